"""Ends well if the worker has done a job within the last minute.

It speaks to the broker itself: a client library takes ten times as long to load, and this runs every few seconds.
"""

import os
import socket
import sys
from urllib.parse import urlsplit

url = urlsplit(os.environ["REDIS_URL"])
with socket.create_connection((url.hostname, url.port), timeout=3) as broker:
    broker.sendall(f"AUTH {url.password}\r\nEXISTS llmbot:worker-alive\r\nQUIT\r\n".encode())
    answers = broker.makefile().read().splitlines()
sys.exit(0 if ":1" in answers else "no job was done within the last minute")
