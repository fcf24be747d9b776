"""The battery's servers: each runs under the library and is driven by its own load generator.

Every server listens on loopback alone, on a port that was free a moment before, keeps its files in
the run's folder, and is stopped (or killed) before the run ends. The clients run without the
library; time is the client's, CPU and peak memory are the server's.
"""

import getpass
import os
import pwd
import re
import shutil
import signal
import textwrap

from harness import free_port
from programs import program


@program("redis", "redis-server driven by redis-benchmark", "redis-server redis-benchmark redis-cli",
         quick=True)
def redis(run):
    """Compared: the number of keys, a checksum of chosen values, and that every reply was right."""
    port = free_port()
    cli = ["redis-cli", "-p", port]
    with run.server("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
                    "--appendonly", "no", "--dir", run.folder, ready=port):
        n = run.amount(100_000)
        run.driver("redis-benchmark", "-p", port, "-q", "-n", n, "-c", "30", "-P", "16", "-r", "20000",
                   "-d", "200", "-t", "set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100")
        script = "".join(f"SET check:{i} {'v' * (i % 3000)}\nRPUSH list {i}\nHSET h{i % 9} f{i} {i}\n"
                         for i in range(run.amount(4000)))
        run.driver(*cli, stdin=script.encode())
        run.note("values", run.driver(*cli, stdin=b"GET check:777\nLLEN list\nHLEN h3\n"))
        run.driver(*cli, "DEL", "mylist")
        run.driver(*cli, "BGSAVE")  # a fork in a threaded program
        run.note("alive", run.driver(*cli, "PING"))


@program("nginx", "nginx driven by wrk", "nginx wrk")
def nginx(run):
    """Compared: the bytes served; wrk must see no error.

    wrk works for a time, not for a count: time and CPU are stated for 10 000 requests.
    """
    port = free_port()
    requests = 0
    user = "user root;" if os.geteuid() == 0 else ""
    (run.folder / "nginx.conf").write_text(textwrap.dedent(f"""\
        {user} worker_processes 2; daemon off; pid {run.folder}/pid; error_log {run.folder}/error.log;
        events {{ worker_connections 512; }}
        http {{ access_log off; gzip on; gzip_types text/plain; types {{ text/plain txt; text/html html; }}
          client_body_temp_path {run.folder}/t1; proxy_temp_path {run.folder}/t2;
          fastcgi_temp_path {run.folder}/t3; uwsgi_temp_path {run.folder}/t4;
          scgi_temp_path {run.folder}/t5;
          server {{ listen 127.0.0.1:{port}; root {run.data}/site; }} }}
        """))
    with run.server("nginx", "-p", run.folder, "-c", run.folder / "nginx.conf", ready=port,
                    stop=signal.SIGQUIT):
        for page in ("small.html", "large.txt"):
            seen = run.driver("wrk", "-t2", "-c32", f"-d{max(1, run.amount(3))}s", "-H",
                              "Accept-Encoding: gzip", f"http://127.0.0.1:{port}/{page}").decode()
            run.expect("Non-2xx" not in seen and "Socket errors" not in seen, f"wrk: {seen}")
            requests += int(re.search(r"(\d+) requests in", seen).group(1))
            run.note(page, run.driver("python3", "-c", "import sys, urllib.request as u; sys.stdout."
                                      "buffer.write(u.urlopen(sys.argv[1]).read())",
                                      f"http://127.0.0.1:{port}/{page}"))
    run.expect(requests > 0, "wrk saw no answer")
    run.cost.wall /= requests / 10_000
    run.cost.cpu /= requests / 10_000


def account_for_servers():
    """PostgreSQL refuses to run as root: its own account if there is one, else nobody's."""
    if os.geteuid() != 0:
        return getpass.getuser()
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


@program("postgres", "postgres driven by pgbench", "postgres initdb pgbench psql")
def postgres(run):
    """Compared: the sums over pgbench's tables that its transactions must keep equal."""
    account = account_for_servers()
    place = run.folder / "pg"
    place.mkdir()
    if os.geteuid() == 0:
        shutil.chown(place, account)
    port = free_port()
    run.driver("initdb", "-D", place / "data", "-A", "trust", "-U", "me", "--no-sync", "--locale=C",
               user=account)
    client = ["-h", "127.0.0.1", "-p", port, "-U", "me"]
    with run.server("postgres", "-D", place / "data", "-p", port, "-k", place, "-c",
                    "listen_addresses=127.0.0.1", "-c", "fsync=off", ready=port,
                    stop=signal.SIGINT, user=account):
        run.driver("pgbench", *client, "-q", "-i", "-s", "2", "postgres")
        run.driver("pgbench", *client, "-n", "-c", "4", "-j", "2", "-t", run.amount(1500), "postgres")
        run.note("sums", run.driver("psql", *client, "-At", "-c", """
            select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from
            pgbench_history), (select count(*) from pgbench_history), (select count(*) from
            pgbench_accounts a join pgbench_accounts b on a.aid = b.aid where a.filler = b.filler)""",
            "postgres"))
