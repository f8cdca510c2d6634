"""A server certificate that is not trusted. Retrying does not help."""

import ssl


def refused_certificate(error: BaseException | None) -> str | None:
    """Why TLS refused the certificate, from an error or its causes; None if it did not."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
