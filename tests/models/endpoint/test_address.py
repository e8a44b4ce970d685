"""Which machine an address means, and which addresses are refused before anything is sent."""

import pytest

from medlab.core.errors import PrivacyError, SpecError
from medlab.models.endpoint.address import is_here, read_address


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_this_machine(host):
    assert is_here(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "10.0.0.5", "169.254.169.254", "localhost.example", "127.0.0.1.example", "127.1", "my-pc", "::"],
)
def test_every_other_name_is_another_machine(host):
    assert not is_here(host)


def test_an_address_is_read_without_its_last_slash():
    address = read_address("https://Host.example:8443/v1/")
    assert (address.url, address.host, address.here) == ("https://Host.example:8443/v1", "host.example", False)


def test_http_to_another_machine_is_refused_unless_said():
    with pytest.raises(PrivacyError, match="not encrypted"):
        read_address("http://gpu.example/v1")
    assert not read_address("http://gpu.example/v1", plain_http=True).here
    assert read_address("http://localhost:8000/v1").here


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://localhost/v1",
        "http://",
        "http://localhost:99999/v1",
        "http://localhost:8000@evil.example/v1",
        "https://user:secret-word@host.example/v1",
        "https://host.example/v1?key=secret-word",
        "https://host.example/v1#secret-word",
        "http://localhost\\@evil.example/v1",
        "http://local host/v1",
        "http://localhost/v1\r\nX-Header: 1",
        "http://ⓛocalhost/v1",
    ],
)
def test_what_is_no_base_url_is_refused_and_its_secrets_are_not_repeated(url):
    with pytest.raises(SpecError) as caught:
        read_address(url)
    assert "secret-word" not in str(caught.value)


def test_an_address_that_is_no_text_is_refused():
    with pytest.raises(SpecError, match="int"):
        read_address(8000)
