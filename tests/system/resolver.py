# SPDX-License-Identifier: Apache-2.0
"""A provider's resolver: a real Unbound that sends client subnets, and its log of questions."""
import re
import signal

from world import run, wait_until

CONF = """\
server:
  interface: {address}
  do-ip6: no
  access-control: 0.0.0.0/0 allow
  do-not-query-localhost: no
  module-config: "subnetcache iterator"
{senders}
  infra-keep-probing: yes
  infra-cache-max-rtt: 1000
  infra-host-ttl: 5
  local-zone: "test." nodefault
  use-caps-for-id: {mixed_case}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/pid"
  use-syslog: no
  logfile: "{folder}/log"
  log-queries: yes
  log-replies: yes
  log-tag-queryreply: yes
  verbosity: 1
  num-threads: 1
remote-control:
  control-enable: no
{stubs}
"""


class Resolver:
    """Asks the name servers given for the zones given, and nobody for anything else."""

    def __init__(self, world, address, zones, servers, mixed_case=False):
        self.address = world.address(address)
        self.zones, self.mixed_case = zones, mixed_case
        self.folder = world.place(f"unbound-{address}")
        self.log_path = self.folder / "log"
        conf = self.folder / "conf"
        self._write(servers)
        run("/usr/sbin/unbound-checkconf", conf)
        self.process = world.start(f"unbound-{address}", ["/usr/sbin/unbound", "-d", "-c", conf],
                                   self.folder)
        wait_until(lambda: self.process.must_run() and self._is_up(), f"resolver {address} is up")

    def _write(self, servers):
        stubs = "".join(f'stub-zone:\n  name: "{zone}"\n' +
                        "".join(f"  stub-addr: {server}\n" for server in servers)
                        for zone in self.zones)
        senders = "\n".join(f"  send-client-subnet: {server}" for server in servers)
        (self.folder / "conf").write_text(CONF.format(
            address=self.address, folder=self.folder, stubs=stubs, senders=senders,
            mixed_case="yes" if self.mixed_case else "no"))

    def know(self, *servers):
        """Asks these name servers from here on; what it held is forgotten."""
        before = self._starts()
        self._write(servers)
        self.process.send(signal.SIGHUP)
        wait_until(lambda: self._starts() > before, f"resolver {self.address} is up again")

    def _starts(self):
        return self.log_path.read_text().count("start of service")

    def _is_up(self):
        return self.log_path.exists() and "start of service" in self.log_path.read_text()

    def questions(self, name=None):
        """(client, name, type) of each question it was asked, oldest first."""
        found = re.findall(r"query: (\S+) (\S+)\. (\S+) IN", self.log_path.read_text())
        return [q for q in found if name in (None, q[1])]

    def replies(self, name):
        """(type, code) of each answer it gave to its clients about a name."""
        return re.findall(rf"reply: \S+ {re.escape(name)}\. (\S+) IN (\S+)",
                          self.log_path.read_text())
