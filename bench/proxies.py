"""The proxies that are measured: how each is configured, started and stopped. What is not installed is said and left out.

Told are those that were given a limit by somebody who knows the service (8 slots): HAProxy's maxconn with a queue, nginx's
limit_conn. Not told are Weir and Envoy's adaptive concurrency, as its documentation has it.
"""
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts"))
from loopback import free_ports  # noqa: E402

PRIORITY_MAP = ("http-request set-priority-class int(-100) if { req.hdr(X-Priority) critical }\n"
                "  http-request set-priority-class int(100) if { req.hdr(X-Priority) batch }\n")


def weir(folder, port, service, options):
    admin = free_ports(1)[0]
    queue = options.get("max_wait", "100ms")
    guards = options.get("guards", "")
    return ["weir", "run", write(folder, "weir.yaml", f"""
memory: 4GiB
gateways:
  edge:
    listen: 127.0.0.1:{port}
    max_connections: {options.get("connections", 4096)}
    routes:
      - match: {{ path: /** }}
        to: shop
        deadline: 1s
        priority: {{ from: "header:X-Priority", default: normal }}
{guards}
upstreams:
  shop: {{ endpoints: ["127.0.0.1:{service}"], queue: {{ max_wait: {queue} }} {options.get("upstream", "")} }}
admin: {{ listen: "127.0.0.1:{admin}" }}
log: {{ level: warn }}
""")]


def haproxy(folder, port, service, options):
    limit = "" if options.get("plain") else "maxconn 10"
    return ["haproxy", "-db", "-f", write(folder, "haproxy.cfg", f"""
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout queue 200ms
  option abortonclose
listen edge
  bind 127.0.0.1:{port}
  {"" if options.get("plain") else PRIORITY_MAP}
  server s 127.0.0.1:{service} {limit}
""")]


def nginx(folder, port, service, options):
    limit = "" if options.get("plain") else "limit_conn all 11; limit_conn_status 503;"
    return ["nginx", "-p", folder, "-g", "daemon off;", "-c", write(folder, "nginx.conf", f"""
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err crit;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  limit_conn_zone $server_name zone=all:1m;
  client_body_temp_path {folder}/nginx-body; proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-f; uwsgi_temp_path {folder}/nginx-u; scgi_temp_path {folder}/nginx-s;
  upstream s {{ server 127.0.0.1:{service}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    server_name edge;
    {limit}
    location / {{ proxy_pass http://s; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 60s;
                  {"proxy_buffering off; proxy_request_buffering off; client_max_body_size 0;" if options.get("stream") else ""} }}
  }}
}}
""")]


def envoy(folder, port, service, options):
    adaptive = "" if options.get("plain") else """
          - name: envoy.filters.http.adaptive_concurrency
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency
              gradient_controller_config:
                sample_aggregate_percentile: { value: 90 }
                concurrency_limit_params: { concurrency_update_interval: 0.1s }
                min_rtt_calc_params: { jitter: { value: 10 }, interval: 60s, request_count: 50 }
              enabled: { default_value: true, runtime_key: adaptive }"""
    return ["envoy", "--concurrency", "1", "--log-level", "off", "--base-id", str(port), "-c", write(folder, "envoy.yaml", f"""
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          http_filters:{adaptive}
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [ {{ match: {{ prefix: "/" }}, route: {{ cluster: s, timeout: 60s }} }} ]
  clusters:
  - name: s
    connect_timeout: 1s
    circuit_breakers: {{ thresholds: [ {{ max_connections: 16384, max_pending_requests: 16384, max_requests: 16384 }} ] }}
    load_assignment:
      cluster_name: s
      endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {service} }} }} }} }} ] }} ]
""")]


PROXIES = {"weir": weir, "haproxy": haproxy, "nginx": nginx, "envoy": envoy}


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def there(name):
    return name == "weir" or shutil.which(name) is not None


class Process:
    """A server on a port of its own: stopped by its pid, its CPU and memory read from /proc."""

    def __init__(self, command, port):
        self.port, self.name = port, command[0]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        self.process.kill()
        raise SystemExit(f"{command[0]} does not start: {self.process.stderr.read().decode()[-500:]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def pids(self):
        pids = [self.process.pid]
        for row in os.listdir("/proc"):
            if row.isdigit():
                try:
                    with open(f"/proc/{row}/stat") as f:
                        if int(f.read().rsplit(")", 1)[1].split()[1]) in pids:
                            pids.append(int(row))
                except OSError:
                    pass
        return pids

    def cpu_seconds(self):
        """Of all its threads, in nanosecond resolution where the kernel tells it."""
        total = 0
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
        return total / 1e9

    def pss_mib(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        return total / 1024


def start(name, build, folder, service, **options):
    port = free_ports(1)[0]
    command = PROXIES[name](folder, port, service, options)
    if name == "weir":
        command[0] = os.path.join(build, "weir")
    return Process(command, port)


def start_service(build, *arguments):
    port = free_ports(1)[0]
    return Process([os.path.join(build, "weir"), "upstream", "--listen", f"127.0.0.1:{port}", *arguments], port)
