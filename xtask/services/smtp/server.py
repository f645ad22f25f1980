"""A mail server for tests. Keeps each mail as a JSON file and says where it listens on one line.

Receivers decide what happens: `refused…` never gets mail, `later…` does not get it now, `slow…` gets no
answer for a while. Others get it.
"""

import asyncio
import itertools
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

ACCOUNT = LoginPassword(b"tutela", b"canary-smtp-password")


class Keeper:
    """Writes each mail to a file of its own, whole or not at all."""

    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 no such mailbox " + address
        if address.startswith("later"):
            return "451 4.3.0 try again later"
        if address.startswith("slow"):
            await asyncio.sleep(600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            "account": session.auth_data.login.decode() if session.auth_data else None,
            "data": envelope.content.decode("utf-8", "replace"),
        }
        number = next(self.numbers)
        part = self.folder / f"{number}.part"
        part.write_text(json.dumps(mail))
        part.rename(self.folder / f"{number}.json")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    if data == ACCOUNT:
        return AuthResult(success=True, auth_data=data)
    return AuthResult(success=False, handled=False)


async def main(folder, certificate, key):
    mails = folder / "mails"
    mails.mkdir()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    keeper = Keeper(mails)
    account = {"authenticator": authenticate, "auth_required": True}
    loop = asyncio.get_running_loop()

    async def listen(encrypted, **options):
        server = await loop.create_server(
            lambda: SMTP(keeper, loop=loop, hostname="localhost", **options),
            host="127.0.0.1", port=0, ssl=encrypted,
        )
        return server.sockets[0].getsockname()[1]

    ports = {
        "none": await listen(None),
        "starttls": await listen(None, tls_context=context, require_starttls=True, **account),
        "tls": await listen(context, auth_require_tls=False, **account),
    }
    print(json.dumps({"ports": ports, "mails": str(mails), "authority": certificate}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
