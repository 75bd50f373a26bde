"""As a service: what its manager is told and when, the unit that it runs by, and the package that brings both."""
import os
import shutil
import signal
import socket
import subprocess

import weir_process
from clients import events, ndjson, post
from weir_process import WeirTest, eventually, main, needs, sanitized, skip

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CONFIG = """memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 8 }
sinks:
  out: { type: file, from: [in], path: out.ndjson }
admin: { listen: "@ADMIN" }
"""


class Service(WeirTest):
    def begin(self, watchdog=None):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(self.path("notify"))
        self.manager.setblocking(False)
        self.said = []
        env = {"NOTIFY_SOCKET": self.path("notify")} | ({"WATCHDOG_USEC": str(watchdog)} if watchdog else {})
        self.weir = self.start(CONFIG, env={**os.environ, **env})

    def heard(self, beginning):
        try:
            while True:
                self.said.append(self.manager.recv(4096).decode())
        except BlockingIOError:
            pass
        return [text for text in self.said if text.startswith(beginning)]

    def test_the_manager_is_told_when_it_is_ready_reads_again_and_stops(self):
        self.begin()
        eventually(lambda: self.heard("READY=1"), "it is ready")
        self.assertIn("STATUS=runs; admin: http://127.0.0.1:", self.said[0])
        self.weir.signal(signal.SIGHUP)
        eventually(lambda: len(self.heard("READY=1")) == 2, "it has read its configuration again")
        self.assertTrue(self.said[1].startswith("RELOADING=1\nMONOTONIC_USEC="), self.said)
        self.assertEqual(post(self.weir.address, ndjson(events("e", 3))).status, 200)
        self.assertEqual(self.weir.stop(), 0)
        self.assertEqual(len(self.heard("STOPPING=1")), 1, self.said)
        self.assertEqual(self.heard("WATCHDOG"), [])

    def test_a_manager_that_asks_for_signs_of_life_gets_them(self):
        self.begin(watchdog=300_000)
        eventually(lambda: len(self.heard("WATCHDOG=1")) >= 3, "signs of life")

    def test_systemd_understands_the_unit(self):
        needs("systemd-analyze")
        with open(os.path.join(ROOT, "packaging", "weir.service")) as f:
            unit = f.read()
        self.assertIn("ExecStart=/usr/bin/weir run /etc/weir\n", unit)
        with open(self.path("weir.service"), "w") as f:
            f.write(unit.replace("/usr/bin/weir", os.path.abspath(weir_process.BINARY)))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "weir.service"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_package_holds_what_a_service_needs(self):
        needs("cpack", "dpkg-deb", "dpkg-shlibdeps", "gzip", "file")
        if sanitized():
            skip("nobody packs a sanitizer's build")
        plan = os.path.join(os.path.dirname(os.path.abspath(weir_process.BINARY)), "CPackConfig.cmake")
        made = subprocess.run(["cpack", "--config", plan, "-B", self.folder], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        package = next(name for name in os.listdir(self.folder) if name.endswith(".deb"))
        names = subprocess.run(["dpkg-deb", "-c", package], cwd=self.folder, capture_output=True, text=True, check=True).stdout
        for name in ("/usr/bin/weir", "/lib/systemd/system/weir.service", "/etc/weir/weir.yaml", "/usr/share/man/man1/weir.1.gz",
                     "/usr/share/bash-completion/completions/weir"):
            self.assertIn(" ." + name + "\n", names)
        self.assertNotIn("/include/", names)
        about = subprocess.run(["dpkg-deb", "-f", package, "Depends", "Conffiles"], cwd=self.folder, capture_output=True, text=True, check=True).stdout
        self.assertIn("librdkafka1", about)
        subprocess.run(["dpkg-deb", "-x", package, "root"], cwd=self.folder, check=True)
        self.assertEqual(weir_process.weir("check", "root/etc/weir", folder=self.folder)[0], 0)
        if shutil.which("lintian"):
            said = subprocess.run(["lintian", "--allow-root", "--suppress-tags=bogus-mail-host,bogus-mail-host-in-debian-changelog", package], cwd=self.folder, capture_output=True,
                                  text=True).stdout
            self.assertNotIn("E: ", said)

    def test_an_image_holds_all_that_weir_loads_and_runs_as_nobody(self):
        needs("ldd", "chroot")
        if os.geteuid() != 0:
            skip("a new root needs root's rights")
        if sanitized():
            skip("nobody packs a sanitizer's build")
        subprocess.run([os.path.join(ROOT, "scripts", "image-root"), os.path.abspath(weir_process.BINARY), "image"], cwd=self.folder, check=True)
        chroot = ["chroot", "--userspec=65532:65532", "image", "/usr/bin/weir"]
        done = subprocess.run([*chroot, "check", "/etc/weir"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(os.path.exists(self.path("image/bin")), "no shell")

    def test_the_manifests_are_about_this_weir(self):
        try:
            import yaml
        except ImportError:
            skip("there is no Python module yaml: install python3-yaml")
        with open(os.path.join(ROOT, "packaging", "kubernetes.yaml")) as f:
            parts = {part["kind"]: part for part in yaml.safe_load_all(f)}
        pod = parts["StatefulSet"]["spec"]["template"]["spec"]
        container = pod["containers"][0]
        os.mkdir(self.path("etc"))
        for name, text in parts["ConfigMap"]["data"].items():
            with open(self.path("etc/" + name), "w") as f:
                f.write(text.replace("file:/run/secrets/weir/token", "hunter2"))
        self.assertEqual(weir_process.weir("check", "etc", folder=self.folder)[0], 0)
        self.assertEqual(container["args"][0], "run")
        self.weir = self.start(CONFIG)
        for probe in ("livenessProbe", "readinessProbe"):
            self.assertEqual(self.weir.get(container[probe]["httpGet"]["path"])[0], 200, probe)
        mounted = {volume["name"] for volume in pod["volumes"]} | {t["metadata"]["name"] for t in parts["StatefulSet"]["spec"]["volumeClaimTemplates"]}
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, mounted)


if __name__ == "__main__":
    main()
