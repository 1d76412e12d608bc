"""A mock of the speech endpoint, driven by openapi.yaml, for testing this package and code built on it."""

try:
    from .faults import Fault
    from .journal import RecordedRequest
    from .server import MockServer
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"The mock server needs the package {error.name}: pip install 'openrouter-speech[mock]'", name=error.name
    ) from error

__all__ = ["Fault", "MockServer", "RecordedRequest"]
