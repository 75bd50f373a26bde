"""A memory cgroup for one process, version 1 or 2, that counts socket memory too."""
import os
import subprocess

V1 = "/sys/fs/cgroup/memory"
V2 = "/sys/fs/cgroup"


class Cgroup:
    """`why_not` says why none can be made."""

    def __init__(self, name, limit):
        self.limit, self.why_not = limit, None
        self.peak = self.peak_sockets = 0
        self.v1 = os.path.exists(os.path.join(V1, "memory.limit_in_bytes"))
        self.folder = os.path.join(V1 if self.v1 else self._own_v2(), f"{name}-{os.getpid()}")
        try:
            os.mkdir(self.folder)
            self._set_limits()
        except OSError as error:
            self.why_not = f"no memory cgroup can be made here: {error}"

    def _own_v2(self):
        """Below our own group where that is delegated, below the root otherwise."""
        try:
            with open(os.path.join(V2, "cgroup.subtree_control"), "a") as f:
                f.write("+memory")
        except OSError:
            pass
        return V2

    def _set_limits(self):
        if not self.v1:
            self._write("memory.max", self.limit)
            self._write("memory.swap.max", 0, optional=True)
            return
        # Version 1 counts sockets apart, and only once a limit was set: together they are compared in `sample`.
        self._write("memory.limit_in_bytes", self.limit)
        self._write("memory.kmem.tcp.limit_in_bytes", self.limit)
        self._write("memory.swappiness", 0, optional=True)

    def _write(self, name, value, optional=False):
        try:
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(str(value))
        except OSError:
            if not optional:
                raise

    def _read(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return f.read()

    def join(self):
        """For the child, between fork and exec."""
        with open(os.path.join(self.folder, "cgroup.procs"), "w") as f:
            f.write(str(os.getpid()))

    def sockets(self):
        return int(self._read("memory.kmem.tcp.usage_in_bytes")) if self.v1 else self._stat("sock")

    def _stat(self, key):
        for line in self._read("memory.stat").splitlines():
            if line.split()[0] == key:
                return int(line.split()[1])
        return 0

    def sample(self):
        """What is in use that cannot be given back: file pages go as soon as somebody needs the room."""
        used = int(self._read("memory.usage_in_bytes" if self.v1 else "memory.current"))
        used -= self._stat("total_inactive_file" if self.v1 else "inactive_file")
        sockets = self.sockets()
        used += sockets if self.v1 else 0
        self.peak_sockets = max(self.peak_sockets, sockets)
        self.peak = max(self.peak, used)
        return used

    def kills(self):
        text = self._read("memory.oom_control" if self.v1 else "memory.events")
        return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")), 0)

    def remove(self):
        if not self.why_not:
            subprocess.run(["rmdir", self.folder], capture_output=True)
