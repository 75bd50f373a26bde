"""The database of this example: a PostgreSQL of its own where one is installed, SQLite elsewhere. It can be made slow, and gone."""
import os
import sqlite3
import subprocess
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "postgres")
MISSING = 77
TABLES = """create table items (id int primary key, price int);
insert into items values (1, 100), (2, 250), (3, 999), (4, 5);
create table orders (item int);
create table pace (pause double precision);
insert into pace values (0.005);"""


class Postgres:
    name = "PostgreSQL"

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgres")
        self.address = self.up()
        self.run(TABLES)

    def up(self):
        done = subprocess.run([sys.executable, "-B", SCRIPT, "up", self.folder], capture_output=True, text=True)
        if done.returncode == MISSING:
            raise FileNotFoundError(done.stderr)
        if done.returncode:
            sys.exit(done.stderr)
        return done.stdout.strip()

    def run(self, sql):
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.address, "-c", sql], check=True, text=True,
                              capture_output=True).stdout.strip()

    def pause(self, seconds):
        self.run(f"update pace set pause = {seconds}")

    def stop(self):
        subprocess.run([sys.executable, "-B", SCRIPT, "down", self.folder, "--mode", "immediate", "--keep"], check=True)

    def start(self):
        self.up()

    def close(self):
        subprocess.run([sys.executable, "-B", SCRIPT, "down", self.folder, "--mode", "immediate"], check=True)


class Sqlite:
    name = "SQLite"

    def __init__(self, folder):
        self.address = os.path.join(folder, "shop.db")
        with sqlite3.connect(self.address) as db:
            db.executescript(TABLES)
        db.close()

    def run(self, sql):
        db = sqlite3.connect(self.address, timeout=30, isolation_level=None)
        try:
            rows = db.execute(sql).fetchall()
            return str(rows[0][0]) if rows else ""
        finally:
            db.close()

    def pause(self, seconds):
        self.run(f"update pace set pause = {seconds}")

    def stop(self):
        os.rename(self.address, self.address + ".gone")

    def start(self):
        os.rename(self.address + ".gone", self.address)

    def close(self):
        pass


def start(folder, kind):
    if kind != "sqlite":
        try:
            return Postgres(folder)
        except FileNotFoundError as missing:
            if kind == "postgres":
                sys.exit(str(missing).strip())
    return Sqlite(folder)
