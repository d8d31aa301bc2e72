"""Encrypted connections: the certificate of the server, read from the files that settings name."""

import ssl
from pathlib import Path


class InvalidCertificate(Exception):
    """The certificate or its key cannot be used; the message is a sentence that says why."""


class Certificate:
    """The certificate, which the workers inherit.

    Workers that are forked later inherit what was read last. A file that was damaged since then
    ends none of them.

    Args:
        certificate: File of the certificate, and of those that lead from it to its root.
        key: File of its private key; empty where that is in the same file.

    Attributes:
        context: What connections are encrypted with.

    Raises:
        InvalidCertificate: A file cannot be read, or they do not belong together.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._files = Path(certificate), Path(key or certificate)
        self.context = self._read()

    def reload(self) -> None:
        """Read the files again; what was read before stays where that fails.

        Raises:
            InvalidCertificate: A file cannot be read, or they do not belong together.
        """
        self.context = self._read()

    def _read(self) -> ssl.SSLContext:
        certificate, key = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A client that renegotiates makes the server do the costly part of a handshake again.
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        try:
            # A key with a password would ask the terminal for it.
            context.load_cert_chain(certificate, key, password="")
        except ssl.SSLError as error:
            reason = (error.reason or "no certificate with a key").replace("_", " ").lower()
            raise InvalidCertificate(f"{certificate} and {key} cannot be used: {reason}.") from None
        except OSError as error:
            raise InvalidCertificate(
                f"The certificate {certificate} or its key {key} cannot be read: {error.strerror}."
            ) from None
        return context
