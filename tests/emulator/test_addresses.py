"""From an AWS address to the loopback."""

import pytest

from local.emulator.addresses import webhook_url

API = "https://abc123.execute-api.us-east-1.amazonaws.com"


@pytest.mark.parametrize("path", ["/v1/webhooks/kraken", "/v1/webhooks/a%2Fb?x=1&y=%20", "/v1"])
def test_path_and_query_stay_as_they_are(path: str) -> None:
    found = webhook_url(API + path, "http://127.0.0.1:4566")
    assert found == f"http://127.0.0.1:4566/_aws/execute-api/abc123{path}"


@pytest.mark.parametrize(
    "api", ["https://example.org/v1", "", "https://.execute-api.us-east-1.amazonaws.com/v1"]
)
def test_another_address_is_refused_by_name(api: str) -> None:
    with pytest.raises(ValueError, match="is no address of a REST API"):
        webhook_url(api, "http://127.0.0.1:4566")


def test_an_endpoint_needs_scheme_and_host() -> None:
    with pytest.raises(ValueError, match="is no endpoint"):
        webhook_url(API + "/v1", "127.0.0.1:4566")
