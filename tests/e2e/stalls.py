"""A sink that stands still as long as a test wants: SQLite, locked by somebody else."""
import sqlite3
import threading

from clients import post


class Locked:
    """Holds the database's write lock, as a backup tool does; `release` ends it."""

    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
        self.connection.execute("BEGIN EXCLUSIVE")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def release(self):
        if self.connection:
            self.connection.execute("COMMIT")
            self.connection.close()
            self.connection = None


class Pending:
    """A request whose answer may take as long as it takes."""

    def __init__(self, address, body, **headers):
        self.answer, self.error = None, None
        self.thread = threading.Thread(target=self._send, args=(address, body, headers), daemon=True)
        self.thread.start()

    def _send(self, address, body, headers):
        try:
            self.answer = post(address, body, timeout=60, **headers)
        except OSError as error:
            self.error = error

    def result(self, within=30):
        self.thread.join(within)
        assert not self.thread.is_alive(), f"no answer within {within} s"
        if self.error:
            raise self.error
        return self.answer

    def waits(self, seconds):
        self.thread.join(seconds)
        return self.thread.is_alive()


def rows_of(path, table="events"):
    connection = sqlite3.connect(path, timeout=60)
    try:
        return [id for (id,) in connection.execute(f"select id from {table}")]
    finally:
        connection.close()
