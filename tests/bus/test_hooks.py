"""What nameko calls around every worker must not fail: an exception there ends the container."""

import pytest
from nameko.containers import ServiceContainer
from nameko.extensions import DependencyProvider

from services.ops.service_classes import classes_of
from shared.settings import SERVICES, Settings

HOOKS = ("worker_setup", "worker_result", "worker_teardown")


@pytest.mark.parametrize("service", SERVICES)
def test_no_dependency_does_anything_around_a_worker(service: str) -> None:
    (class_,) = classes_of([service])
    container = ServiceContainer(class_, {"settings": Settings()})
    assert container.dependencies
    for provider in container.dependencies:
        assert [h for h in HOOKS if getattr(type(provider), h) is not getattr(DependencyProvider, h)] == []
