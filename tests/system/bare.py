# SPDX-License-Identifier: Apache-2.0
"""
A Debian that forgets: a folder with a system in it, below a layer that takes all that is written.
Programs run in it by chroot. PID 1 is not systemd here, so `systemctl` and `journalctl` are small
scripts that do what the unit says: its command, as its user, with its capabilities and limits.
"""
import os
import pathlib
import shlex
import socket
import subprocess
import threading
import time

from waypost import BINARY
from world import run

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

SYSTEMCTL = """\
#!/bin/bash
# What systemd would do with this unit.
[ $# -ge 2 ] || exit 0
pid=/run/waypost.pid
as_user="setpriv --reuid {user} --regid {user} --init-groups {privileges}"
case "$1 ${{2%.service}}" in
"start waypost")
    [ -e {condition} ] || exit 0
    install -d -m {state_mode} -o {user} -g {user} {folders}
    [ ! -e {environment} ] || . {environment}
    rm -f /run/notify/ready
    ulimit -n {descriptors} 2>/dev/null; umask {umask}
    export NOTIFY_SOCKET=/run/notify/socket
    exec $as_user {start} >>/run/waypost.output 2>&1 </dev/null &
    echo $! >$pid
    until [ -e /run/notify/ready ]; do
        kill -0 $! 2>/dev/null || {{ tail -20 /run/waypost.output >&2; exit 1; }}
        sleep 0.05
    done ;;
"reload waypost") $as_user {reload} ;;
"stop waypost")
    [ -e $pid ] || exit 0
    kill -TERM "$(cat $pid)" 2>/dev/null
    while kill -0 "$(cat $pid)" 2>/dev/null; do sleep 0.1; done
    rm -f $pid ;;
"stop nats-server")
    [ ! -e /run/nats.pid ] || kill -INT "$(cat /run/nats.pid)"
    rm -f /run/nats.pid ;;
"start nats-server" | "restart nats-server")
    "$0" stop nats-server
    setpriv --reuid nats --regid nats --init-groups /usr/sbin/nats-server -c /etc/nats-server.conf \\
        >>/run/nats.output 2>&1 </dev/null &
    echo $! >/run/nats.pid ;;
"restart waypost") "$0" stop waypost && "$0" start waypost ;;
esac
"""


def reap():
    """What a machine's scripts left behind has us for a parent, as PID 1 of this world: so that it
    does not stay a zombie, which a script takes for running."""
    while True:
        for place in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = place.read_text().split("(", 1)[1].rsplit(")", 1)
                if name in ("waypost", "nats-server") and rest.split()[:2] == ["Z", str(os.getpid())]:
                    os.waitpid(int(place.parent.name), os.WNOHANG)
            except OSError:
                pass  # it was quicker
        time.sleep(0.1)


def package_of(folder):
    """The package of this build, made in the folder."""
    tree = pathlib.Path(__file__).resolve().parents[2]
    words = [tree / "packaging" / "deb", pathlib.Path(BINARY).parent, folder]
    return pathlib.Path(subprocess.check_output(words, text=True).strip())


def unit_of(text):
    """The settings of a unit, the last of each name."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")


class Debian:
    """`below`: where the system is that is left as it is. `words`: what runs a command on a machine
    with a network of its own (machines.py)."""

    def __init__(self, world, name, below, words=()):
        self.place = world.place(name)
        self.world, self.words, self.times = world, list(words), []
        run("mount", "-t", "tmpfs", "tmpfs", self.place)
        for folder in ("over", "work", "root"):
            (self.place / folder).mkdir()
        self.root = self.place / "root"
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={below},upperdir={self.place}/over,workdir={self.place}/work", self.root)
        for kind, where in (("proc", "proc"), ("tmpfs", "run"), ("tmpfs", "tmp"), ("tmpfs", "dev/shm")):
            if where == "dev/shm":
                run("mount", "--rbind", "/dev", self.root / "dev")
                run("mount", "--make-rslave", self.root / "dev")
            run("mount", "-t", kind, kind, self.root / where)
        world.at_end("umount", "-l", self.place)
        (self.root / "run/notify").mkdir()
        # Every package has man-db read all pages anew, else: minutes for nothing.
        (self.root / "var/lib/man-db/auto-update").unlink(missing_ok=True)
        self._listen()
        threading.Thread(target=reap, daemon=True).start()

    def _listen(self):
        """Hears that the program serves, as systemd would."""
        path = self.root / "run/notify/socket"
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        heard.bind(str(path))
        path.chmod(0o777)

        def listen():
            while data := heard.recv(4096):
                if b"READY=1" in data:
                    (path.parent / "ready").touch()

        threading.Thread(target=listen, daemon=True).start()

    def shell(self, script, outside=()):
        """(status, output) of a script; `outside`: words of a command that gives it another network."""
        done = subprocess.run(
            [*(outside or self.words), "chroot", str(self.root), "/usr/bin/env", "-i", f"PATH={PATH}",
             "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "/bin/bash", "-ec",
             f"cd /root\n{script}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=400, check=False)
        return done.returncode, done.stdout

    def must(self, script, **more):
        """What a script printed that must succeed."""
        status, output = self.shell(script, **more)
        assert status == 0, f"{script}: {output}"
        return output

    def write(self, path, text, mode=0o644):
        """A file of it."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def install(self, package):
        """The package is on it, and what starts its unit."""
        run("cp", package, self.root / "root")
        self.must("dpkg -i waypost_*.deb")
        self.stand_in_for_systemd()

    def stand_in_for_systemd(self):
        """Makes systemctl and journalctl, by the unit as it is installed now."""
        text = (self.root / "usr/lib/systemd/system/waypost.service").read_text()
        unit = unit_of(text)
        capabilities = [c[len("CAP_"):].lower() for c in unit["AmbientCapabilities"].split()]
        some = ",".join(f"+{c}" for c in capabilities)
        self.write("/usr/local/bin/systemctl", SYSTEMCTL.format(
            user=unit["User"], condition=shlex.quote(unit["ConditionPathExists"]),
            environment=unit["EnvironmentFile"].lstrip("-"), umask=unit["UMask"],
            state_mode=unit["StateDirectoryMode"], descriptors=unit["LimitNOFILE"],
            folders=f"/var/lib/{unit['StateDirectory']} /var/log/{unit['LogsDirectory']}",
            privileges=f"--inh-caps=-all,{some} --ambient-caps=-all,{some} --bounding-set=-all,{some} "
                       "--no-new-privs",
            start=unit["ExecStart"], reload=unit["ExecReload"]), 0o755)
        self.write("/usr/local/bin/journalctl", "#!/bin/sh\ncat /run/waypost.output\n", 0o755)

    def written(self):
        """Paths of all files that were made in it and are still there; of removed ones stay marks."""
        found = [p for top in (self.place / "over", self.root / "dev/shm", self.root / "tmp")
                 for p in top.rglob("*") if not p.is_char_device() and p.exists()]
        return {str(p).removeprefix(str(self.place)).removeprefix("/over") for p in found}

    def runs(self):
        """Processes of the program in it."""
        binary = str(self.root / "usr/bin/waypost")  # after an upgrade another, deleted name
        return [p.parent.name for p in pathlib.Path("/proc").glob("[0-9]*/exe")
                if _link(p).startswith(binary)]


def _link(path):
    try:
        return str(path.readlink())
    except OSError:
        return ""
