# SPDX-License-Identifier: Apache-2.0
"""A pop's FTP service: a real vsftpd with one small file, quick or slow as a story wants it."""
import signal

from world import listens, wait_until

FILE_BYTES = 40_000

CONF = """\
listen=YES
background=NO
listen_address={address}
anonymous_enable=YES
no_anon_password=YES
anon_root={root}
secure_chroot_dir={root}
run_as_launching_user=YES
seccomp_sandbox=NO
use_sendfile=NO
trans_chunk_size=4096
anon_max_rate={rate}
xferlog_enable=YES
vsftpd_log_file={folder}/log
"""


class FtpServer:
    """One vsftpd at port 21 of an address of ours."""

    def __init__(self, world, address, machine=None):
        self.world, self.address = world, address
        self.folder = world.place(f"ftp-{address}")
        self.root = self.folder / "root"
        self.root.mkdir()
        self.path = str(self.root / "probe.bin")  # without rights of its own it changes no root
        (self.root / "probe.bin").write_bytes(bytes(FILE_BYTES))
        self._write(0)
        words = ["/usr/sbin/vsftpd", self.folder / "conf"]
        if machine is None:
            world.address(address)
        self.process = world.start(f"vsftpd-{address}",
                                   machine.words(*words) if machine else words, self.folder)
        wait_until(lambda: self.process.must_run() and listens(address, 21), "FTP listens")

    def _write(self, rate):
        (self.folder / "conf").write_text(CONF.format(
            address=self.address, root=self.root, folder=self.folder, rate=rate))

    def limit(self, seconds):
        """From here on the file takes so long; 0: as quick as it can be."""
        self._write(int(FILE_BYTES / seconds) if seconds else 0)
        self.process.send(signal.SIGHUP)

    def downloads(self, client=""):
        """How often the file was fetched, by anybody or from that address."""
        log = self.folder / "log"
        return log.read_text().count(f'OK DOWNLOAD: Client "{client}') if log.exists() else 0
