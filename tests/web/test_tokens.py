"""Who may do what: tokens, roles, branches, and where a token may come from."""

import json
import os
import stat
import subprocess
import sys
import time
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.wrappers import Response

from shared.errors import Forbidden, Unauthorized
from shared.settings import Settings, SettingsError
from shared.web.authentication import remember
from shared.web.tokens import TokenChecker, issue_token, local_private_key

CLAIMS = {"sub": "s", "roles": ["teller"], "branches": ["b1"], "iss": "lobby", "aud": "lobby"}
RSA = generate_private_key(65537, 2048)


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


def signed(key, algorithm="EdDSA", headers=None, without=(), **claims):
    now = int(time.time())
    all_claims = {**CLAIMS, "iat": now, "exp": now + 60, **claims}
    return jwt.encode({k: v for k, v in all_claims.items() if k not in without}, key, algorithm, headers=headers)


def test_an_issued_token_is_good_for_what_it_was_issued_for(settings):
    token = issue_token(settings, roles=["teller", "auditor"], branches=["b1", "b2"], subject="wang")
    principal = TokenChecker.of(settings).check(token)
    assert (principal.subject, principal.roles, principal.branches) == ("wang", {"teller", "auditor"}, {"b1", "b2"})
    principal.require_branch("b2")
    with pytest.raises(Forbidden):
        principal.require_branch("b3")
    with pytest.raises(Forbidden, match="supervisor"):
        principal.require_role(["supervisor"])


def test_the_star_covers_every_branch(settings):
    principal = TokenChecker.of(settings).check(issue_token(settings, roles=["display"], branches=["*"]))
    assert principal.covers("anything")


@pytest.mark.parametrize(("roles", "branches"), [(["king"], ["b1"]), ([], ["b1"]), (["teller"], [])])
def test_a_token_for_nothing_or_nobody_is_not_issued(settings, roles, branches):
    with pytest.raises(ValueError, match=r"role|branch"):
        issue_token(settings, roles=roles, branches=branches)


def test_tokens_without_a_subject_are_never_taken_for_one_another(settings):
    checker = TokenChecker.of(settings)
    one, two = (checker.check(issue_token(settings, roles=["terminal"], branches=["b1"])) for _ in range(2))
    assert one.subject != two.subject


def test_a_token_that_would_hold_longer_than_its_role_may_is_neither_issued_nor_taken(settings):
    with pytest.raises(ValueError, match="1 day"):
        issue_token(settings, roles=["teller", "display"], branches=["b1"], ttl=timedelta(hours=25))
    now = int(time.time())
    with pytest.raises(Unauthorized, match="1 day"):
        TokenChecker.of(settings).check(signed(local_private_key(settings), iat=now, exp=now + 25 * 3600))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "else"}, {"aud": "else"}, {"aud": ["x"]}, {"exp": 1}, {"exp": "soon"}, {"sub": ""}, {"sub": 7},
        {"roles": "teller"}, {"roles": []}, {"roles": [1]}, {"branches": None}, {"iat": 99_999_999_999},
        {"nbf": 99_999_999_999}, {"without": ("exp",)}, {"without": ("aud",)}, {"without": ("iss",)},
        {"without": ("sub",)}, {"without": ("roles",)}, {"without": ("branches",)},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_with_wrong_claims_is_refused(settings, claims):
    with pytest.raises(Unauthorized):
        TokenChecker.of(settings).check(signed(local_private_key(settings), **claims))


def test_a_token_of_another_key_is_refused(settings):
    with pytest.raises(Unauthorized):
        TokenChecker.of(settings).check(signed(Ed25519PrivateKey.generate()))


def test_a_token_without_signature_or_signed_with_the_public_key_is_refused(settings):
    public = local_private_key(settings).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    checker = TokenChecker.of(settings)
    for token in (signed(None, "none"), signed(public, "HS256"), signed(RSA, "RS256")):
        with pytest.raises(Unauthorized):
            checker.check(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "\x00", "eyJhbGciOiJFZERTQSJ9..", "." * 5000])
def test_what_is_no_token_is_refused(settings, token):
    with pytest.raises(Unauthorized):
        TokenChecker.of(settings).check(token)


def test_a_token_that_was_good_expires_all_the_same(settings, monkeypatch):
    checker = TokenChecker.of(settings)
    token = issue_token(settings, roles=["teller"], branches=["b1"], ttl=timedelta(seconds=-4))  # within the leeway
    assert checker.check(token).roles == {"teller"}
    issued = time.time()
    monkeypatch.setattr(time, "time", lambda: issued + 3)
    checker._keys = {}  # so that only what is remembered could let it pass
    with pytest.raises(Unauthorized):
        checker.check(token)


def test_an_rs256_key_file_is_the_only_key(settings, tmp_path):
    pem = tmp_path / "idp.pem"
    pem.write_bytes(RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    outside = settings.model_copy(update={"jwt_public_key_file": pem})
    checker = TokenChecker.of(outside)
    assert checker.check(signed(RSA, "RS256")).subject == "s"
    with pytest.raises(Unauthorized):
        checker.check(issue_token(settings, roles=["teller"], branches=["b1"]))
    with pytest.raises(SettingsError, match="elsewhere"):
        issue_token(outside, roles=["teller"], branches=["b1"])


def test_a_jwks_file_holds_several_keys(settings, tmp_path):
    ed = Ed25519PrivateKey.generate()
    keys = [
        {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "old"},
        {**json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ed.public_key())), "kid": "new"},
    ]
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": keys}))
    checker = TokenChecker.of(settings.model_copy(update={"jwt_public_key_file": file}))
    assert checker.check(signed(RSA, "RS256", {"kid": "old"}))
    assert checker.check(signed(ed, headers={"kid": "new"}))
    for token in (signed(ed, headers={"kid": "old"}), signed(ed, headers={"kid": "x"}), signed(ed)):
        with pytest.raises(Unauthorized):
            checker.check(token)


@pytest.mark.parametrize("content", [None, "nonsense", "{}", '{"keys": []}'])
def test_a_key_file_that_holds_none_is_named(settings, tmp_path, content):
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=r"LOBBY_JWT_PUBLIC_KEY_FILE.*key\.pem"):
        TokenChecker.of(settings.model_copy(update={"jwt_public_key_file": file}))


def test_the_private_key_is_for_its_owner_only(settings):
    local_private_key(settings)
    folder = settings.data_dir / "keys"
    assert stat.S_IMODE((folder / "jwt-private.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(os.listdir(folder)) == ["jwt-private.pem", "jwt-public.pem"]


def test_processes_that_start_at_once_agree_on_one_key(settings):
    code = (
        "import sys; from shared.settings import Settings; from shared.web.tokens import local_private_key; "
        "sys.stdin.readline(); "
        "print(local_private_key(Settings(data_dir=sys.argv[1])).public_key().public_bytes_raw().hex())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(settings.data_dir)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = {process.communicate()[0].strip() for process in processes}
    assert len(answers) == 1
    assert len(answers.pop()) == 64


def unauthorized(answer):
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return (answer.status, answer.json["code"]) == (401, "unauthorized")


def test_a_call_without_a_token_is_401(demo):
    assert unauthorized(demo.get("/demo/b1/any", auth=False))
    assert unauthorized(demo.get("/v1/branches/b1/stream", auth=False))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer nonsense", "Token x", "\xe9"])
def test_a_header_that_is_no_bearer_token_is_401(demo, header):
    assert unauthorized(demo.get("/demo/b1/any", auth=False, headers={"Authorization": header.encode("latin-1")}))


def test_an_expired_token_is_401_and_says_so(demo):
    headers = demo.bearer(ttl=timedelta(seconds=-60))
    answer = demo.get("/demo/b1/any", headers=headers)
    assert unauthorized(answer)
    assert "expired" in answer.json["detail"]


def test_a_token_of_another_system_is_401(demo):
    token = signed(Ed25519PrivateKey.generate())
    assert unauthorized(demo.get("/demo/b1/any", headers={"Authorization": f"Bearer {token}"}))


def test_a_wrong_role_is_403_and_told_which_roles_may(demo):
    answer = demo.post("/demo/b1/bodyless", headers=demo.bearer("display"))
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert answer.json["roles"] == ["customer_manager", "lobby_manager", "supervisor", "teller"]


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/demo/b2/any"), ("POST", "/demo/b2/bodyless"), ("POST", "/demo/lookup/1"),
    ("GET", "/v1/branches/b2/stream"),
])  # fmt: skip
def test_a_branch_out_of_scope_is_403(demo, method, path):
    answer = demo.request(method, path)
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


def test_a_pages_cookie_is_for_reading_only(demo):
    cookie = {"Cookie": f"lobby_token={demo.token()}"}
    assert demo.get("/demo/b1/any", auth=False, headers=cookie).status == 200
    assert unauthorized(demo.post("/demo/b1/bodyless", auth=False, headers=cookie))


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(demo):
    response = Response()
    remember(response, demo.token(), timedelta(hours=1), secure=True)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("lobby_token=")
    for part in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=3600"):
        assert part in cookie.split("; ")


def test_a_header_counts_before_the_cookie(demo):
    both = {"Cookie": f"lobby_token={demo.token()}", "Authorization": "Bearer nonsense"}
    assert unauthorized(demo.get("/demo/b1/any", auth=False, headers=both))


def test_a_public_page_is_for_everybody_and_knows_whom_it_can(demo):
    assert demo.get("/demo/page", auth=False).json["actor"] == "anonymous"
    assert demo.get("/demo/page", auth=False, headers={"Authorization": "Bearer x"}).json["actor"] == "anonymous"
    assert demo.get("/demo/page").json["actor"] == "somebody"
