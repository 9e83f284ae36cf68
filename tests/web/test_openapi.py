"""The OpenAPI document: valid, complete, and it says what the edge does."""

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.contracts.base import YEARS_PATTERN
from shared.contracts.http import triage
from shared.contracts.http.catalog import OPERATIONS
from shared.contracts.openapi import document


@pytest.fixture(scope="module")
def described():
    return document()


def call(described, operation):
    return described["paths"][operation.path][operation.method.lower()]


def test_is_valid_openapi_3_1(described):
    assert described["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()] == []


def test_describes_every_operation_of_every_service(described):
    found = {(path, method.upper()) for path, item in described["paths"].items() for method in item}
    assert found == {(operation.path, operation.method) for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_names_its_roles_parameters_and_errors(described, operation):
    found = call(described, operation)
    assert found["x-roles"] == sorted(operation.roles)
    assert [p["name"] for p in found["parameters"] if p.get("in") == "path"] == list(operation.parameters)
    assert str(operation.status) in found["responses"]
    assert ("204" in found["responses"]) >= operation.empty
    assert {"401", "403", "422", "429", "500", "503"} <= found["responses"].keys()
    keyed = {"$ref": "#/components/parameters/IdempotencyKey"} in found["parameters"]
    assert keyed == (operation.method == "POST")


def test_a_screen_reads_the_stream_the_queue_and_the_clock_and_nothing_else():
    assert {operation.name for operation in OPERATIONS if "display" in operation.roles} == {"stream", "queue", "clock"}


def test_a_query_parameter_has_its_name_on_the_wire_and_no_null(described):
    from shared.contracts.http.worklog import JOURNAL

    by_name = {p["name"]: p for p in call(described, JOURNAL)["parameters"]}
    assert by_name["from"]["schema"] == {"type": "string", "format": "date-time", "pattern": YEARS_PATTERN}
    assert by_name["branch"]["required"] is True
    assert by_name["limit"]["schema"]["maximum"] == 1000


def test_the_request_schema_takes_what_the_model_takes(described):
    ref = call(described, triage.TAKE_TICKET)["requestBody"]["content"]["application/json"]["schema"]
    schema = {**ref, "components": described["components"]}
    jsonschema.validate({"business": "cash_withdrawal", "amount_minor": 10_000}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"busines": "cash_withdrawal"}, schema)


def test_a_body_whose_fields_all_have_defaults_may_be_left_out(described):
    for operation in OPERATIONS:
        body = call(described, operation).get("requestBody")
        if operation.request is not None:
            assert body["required"] == any(f.is_required() for f in operation.request.model_fields.values())
