"""Where an AWS address of the deployed stack is found on this machine."""

from urllib.parse import urlsplit

_HOST_MARK = ".execute-api."


def webhook_url(api_url: str, endpoint: str) -> str:
    """The loopback address of an API Gateway stage or method address.

    `https://abc123.execute-api.us-east-1.amazonaws.com/v1/webhooks/kraken` with the endpoint
    `http://127.0.0.1:4566` becomes `http://127.0.0.1:4566/_aws/execute-api/abc123/v1/webhooks/kraken`.
    Path and query stay as they are. A `ValueError` names an address that is not one of API Gateway.
    """
    api = urlsplit(api_url)
    api_id, mark, _ = (api.hostname or "").partition(_HOST_MARK)
    if not mark or not api_id or "." in api_id:
        raise ValueError(
            f"{api_url!r} is no address of a REST API: expected "
            "https://<api id>.execute-api.<region>.amazonaws.com/<stage>/…"
        )
    target = urlsplit(endpoint)
    if target.scheme not in ("http", "https") or not target.netloc:
        raise ValueError(f"{endpoint!r} is no endpoint: expected http://<host>:<port>")
    query = f"?{api.query}" if api.query else ""
    return f"{target.scheme}://{target.netloc}/_aws/execute-api/{api_id}{api.path}{query}"
