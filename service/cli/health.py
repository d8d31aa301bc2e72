"""The command that asks the service of this machine whether it is ready, as its settings say."""

import argparse
import os
import ssl
import sys
import urllib.error
import urllib.request

from service.cli.help import Commands, add_command
from service.settings import InvalidSetting, Settings

_TIMEOUT_SECONDS = 5
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is asked, not listened on


def add_commands(commands: Commands) -> None:
    """Add `health`."""
    help_text = "ask the service that the VITRINE_* variables describe whether it is ready"
    add_command(commands, "health", help_text, "").set_defaults(run=_check)


def _check(_options: argparse.Namespace) -> None:
    """End with status 1 where the service is not ready or does not answer."""
    try:
        settings = Settings.from_environment(os.environ)
        url = _url(settings)
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS, context=_tls()) as response:  # noqa: S310
            print(response.read().decode())
    except InvalidSetting as error:
        sys.exit(str(error))
    except urllib.error.HTTPError as error:
        sys.exit(f"The service is not ready: it answers {error.code}.")
    except OSError as error:
        sys.exit(f"The service does not answer: {getattr(error, 'reason', error)}.")


def _url(settings: Settings) -> str:
    scheme = "https" if settings.tls_certificate else "http"
    host = _WILDCARDS.get(settings.host, settings.host)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{settings.port}/readyz"


def _tls() -> ssl.SSLContext:
    """Trust any certificate: it is that of this machine, and made for another name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
