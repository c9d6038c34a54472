"""Fleets to compare: nodes of ours, and agents of serf, each in a place of its own.

Both are looked at in the same way: over one connection to each member that stays open (ours: the
API on the node's Unix socket; serf: its RPC on 127.0.0.1 within the member's namespace) we ask for
the list of members, one member at a time, `PAUSE_S` apart. What all must agree on is awaited at
the first who does not, then at the next: there is never more than one question under way, so that
asking costs a few percent of a processor and the answer is late by some ten milliseconds, on
either side alike. None of it passes a wire whose bytes are counted.
"""

import collections
import concurrent.futures
import contextlib
import ctypes
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from mesh import Failed, Node, until  # noqa: E402
from zones import WIRE  # noqa: E402

PAUSE_S = 0.005
ANSWER_S = 10  # a member that takes longer for an answer is broken, or the machine is
STARTERS = 8  # that start at the same time
SERF_PORT = 7946
SERF_RPC_PORT = 7373

ALIVE, SUSPECT, DEAD, LEFT = "alive", "suspect", "dead", "left"


def connect_within(space, address):
    """A TCP connection made in another network namespace: a socket stays where it was born."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{space}", "rb") as away:
        if libc.setns(away.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {space}")
        try:
            return socket.create_connection(address, ANSWER_S)
        finally:
            if libc.setns(home.fileno(), 0) != 0:
                raise SystemExit("cannot leave a network namespace")


# ---- MessagePack, as much of it as serf's RPC speaks --------------------------------------------

def pack(value):
    """Encode what a request holds: small integers, truths, texts, lists, maps."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xce" + value.to_bytes(4, "big")
    if isinstance(value, str):
        return b"\xda" + len(value).to_bytes(2, "big") + value.encode()
    if isinstance(value, list):
        return b"\xdc" + len(value).to_bytes(2, "big") + b"".join(map(pack, value))
    return (b"\xde" + len(value).to_bytes(2, "big")
            + b"".join(pack(key) + pack(item) for key, item in value.items()))


def unpack(read):
    """Decode one value; `read(n)` gives the next n bytes. Texts come as bytes."""
    kind = read(1)[0]
    if kind < 0x80:
        return kind
    if kind >= 0xe0:
        return kind - 256
    if kind < 0x90:
        return unpack_map(read, kind & 15)
    if kind < 0xa0:
        return [unpack(read) for _ in range(kind & 15)]
    if kind < 0xc0:
        return read(kind & 31)
    if kind in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[kind]
    if kind in LENGTHS:
        make, width = LENGTHS[kind]
        return make(read, int.from_bytes(read(width), "big"))
    raise Failed(f"serf sent a MessagePack byte {kind:#x} that nobody expected")


def unpack_map(read, count):
    return {unpack(read): unpack(read) for _ in range(count)}


def unpack_list(read, count):
    return [unpack(read) for _ in range(count)]


LENGTHS = {
    0xc4: (lambda read, size: read(size), 1), 0xc5: (lambda read, size: read(size), 2),
    0xcc: (lambda _, number: number, 1), 0xcd: (lambda _, number: number, 2),
    0xce: (lambda _, number: number, 4), 0xcf: (lambda _, number: number, 8),
    0xd9: (lambda read, size: read(size), 1), 0xda: (lambda read, size: read(size), 2),
    0xdb: (lambda read, size: read(size), 4), 0xdc: (unpack_list, 2), 0xdd: (unpack_list, 4),
    0xde: (unpack_map, 2), 0xdf: (unpack_map, 4),
}


# ---- Members ------------------------------------------------------------------------------------

class Member:
    """One process in its place. `view()` is what it holds of all others: states by name."""

    def __init__(self, place, name):
        self.place = place
        self.name = name
        self.process = None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def processor_ns(self):
        """Time on a processor, of all threads. To the nanosecond: /proc/PID/stat counts 10 ms."""
        total = 0
        for thread in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
        return total

    def sent_bytes(self):
        """All it put on its wire so far, headers included: a byte counts once, at its sender."""
        with open(f"/proc/{self.process.pid}/net/dev", encoding="ascii") as table:
            for line in table:
                name, _, numbers = line.partition(":")
                if name.strip() == WIRE:
                    return int(numbers.split()[8])
        raise Failed(f"{self.name} has no wire")


class Ours(Member):
    title = "ours"
    has_suspects = True

    def __init__(self, place, name, directory):
        super().__init__(place, name)
        self.node = Node(directory, name)
        self.guests = []
        self.stream = None

    def start(self):
        self.node.start(listen=f"{self.place.address}:8765", within=self.place.within)
        self.process = self.node.process
        self.stream = self._open()

    def _open(self):
        guest = socket.socket(socket.AF_UNIX)
        guest.settimeout(ANSWER_S)
        guest.connect(self.node.ready["socket"])
        self.guests.append(guest)
        return guest.makefile("rwb")

    @staticmethod
    def _send(stream, method, path, body=b""):
        stream.write(f"{method} {path} HTTP/1.1\r\nHost: node\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        stream.flush()

    def kill(self):
        super().kill()
        for guest in self.guests:
            guest.close()
        if self.process is not None:
            self.process.stdout.close()

    def invitation(self, count):
        """What others need to join this one."""
        return self.node.ask("token", "create", "--uses", str(count))["token"]

    def join(self, invitation):
        """Begin to join; does not wait for it."""
        self._send(self._open(), "POST", "/v1/join",
                   json.dumps({"token": invitation, "timeout_ms": 30000}).encode())

    def view(self):
        try:
            return self._ask()
        except (OSError, ValueError, IndexError):
            # The API hangs up on guests who said nothing for a minute.
            self.stream = self._open()
            return self._ask()

    def _ask(self):
        self._send(self.stream, "GET", "/v1/peers")
        if self.stream.readline().split()[1] != b"200":
            raise Failed(f"{self.name} does not tell its peers")
        length = 0
        while line := self.stream.readline().strip():
            key, _, value = line.partition(b":")
            if key.lower() == b"content-length":
                length = int(value)
        return {peer["name"]: peer["state"] for peer in json.loads(self.stream.read(length))}


class Serf(Member):
    title = "serf"
    has_suspects = False  # it has them inside, but tells nobody
    states = {b"alive": ALIVE, b"failed": DEAD, b"left": LEFT, b"leaving": LEFT}

    def __init__(self, place, name, directory):
        super().__init__(place, name)
        self.log_path = pathlib.Path(directory) / f"{name}.serf.log"
        self.guests = []
        self.stream = None
        self.asked = 0

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.place.within, "serf", "agent", "-node", self.name, "-profile", "lan",
                 "-bind", f"{self.place.address}:{SERF_PORT}",
                 "-rpc-addr", f"127.0.0.1:{SERF_RPC_PORT}", "-log-level", "err"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.stream = until(f"{self.name} answers", self._try_open)

    def _try_open(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended: {self.log_path.read_text(errors='replace')}")
        with contextlib.suppress(ConnectionError):
            return self._open()
        return None

    def _open(self):
        guest = connect_within(self.place.space, ("127.0.0.1", SERF_RPC_PORT))
        self.guests.append(guest)
        stream = guest.makefile("rwb")
        self._send(stream, "handshake", {"Version": 1})
        self._head(stream)
        return stream

    def _send(self, stream, command, body=None):
        self.asked += 1
        stream.write(pack({"Command": command, "Seq": self.asked})
                     + (b"" if body is None else pack(body)))
        stream.flush()

    def _head(self, stream):
        head = unpack(stream.read)
        if head[b"Error"]:
            raise Failed(f"{self.name}: {head[b'Error'].decode()}")

    def kill(self):
        super().kill()
        for guest in self.guests:
            guest.close()

    def invitation(self, _count):
        return f"{self.place.address}:{SERF_PORT}"

    def join(self, invitation):
        self._send(self._open(), "join", {"Existing": [invitation], "Replay": False})

    def view(self):
        self._send(self.stream, "members")
        self._head(self.stream)
        return {member[b"Name"].decode(): self.states.get(member[b"Status"], "none")
                for member in unpack(self.stream.read)[b"Members"]
                if member[b"Name"] != self.name.encode()}


# ---- Fleets -------------------------------------------------------------------------------------

class Fleet:
    """As a context manager: one member in each place. `members` are those who still live."""

    def __init__(self, kind, places):
        self.kind = kind
        self.directory = tempfile.mkdtemp(prefix="mcpz-fleet-")
        self.all = [kind(place, f"M{number:03}", self.directory)
                    for number, place in enumerate(places)]
        self.members = list(self.all)

    def __enter__(self):
        try:
            # Serf's connections are made in other namespaces, which is the thread's own affair.
            with concurrent.futures.ThreadPoolExecutor(STARTERS) as crowd:
                list(crowd.map(lambda member: member.start(), self.all))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for member in self.all:
            member.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def join_all(self):
        """Everybody asks the first for admission at once; when that began."""
        first, *others = self.members
        invitation = first.invitation(len(others))
        began = time.monotonic()
        for member in others:
            member.join(invitation)
        return began

    def kill(self, member):
        """kill -9; when it was given."""
        began = time.monotonic()
        member.signal(signal.SIGKILL)
        self.members.remove(member)
        return began

    def await_views(self, began, fits, patience, watchers=None):
        """Seconds from `began` until `fits(member, view)` came true for each; None: it did not."""
        late = collections.deque(self.members if watchers is None else watchers)
        while late:
            if fits(late[0], late[0].view()):
                late.popleft()
            elif time.monotonic() - began > patience:
                return None
            else:
                time.sleep(PAUSE_S)
        return time.monotonic() - began

    def await_whole(self, began, patience):
        """Until each who lives holds all others who live for alive."""
        names = {member.name for member in self.members}
        return self.await_views(
            began, lambda member, view: all(view.get(name) == ALIVE
                                            for name in names if name != member.name), patience)

    def sent_bytes(self):
        return sum(member.sent_bytes() for member in self.members)

    def processor_ns(self):
        return sum(member.processor_ns() for member in self.members)


def install_serf():
    """Install it if it is missing, in the way of the other tools; what it calls its version."""
    if shutil.which("serf") is None:
        subprocess.run(["bash", "-c", f'root={ROOT}; . "$root/tools/packages"; '
                        'install_missing "${bench_packages[@]}"'], check=True)
    if shutil.which("serf") is None:
        raise Failed("there is no serf in PATH: nothing to compare with")
    done = subprocess.run(["serf", "version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]
