"""Enqueues, by the program of docs/protocol.md, what the lines of standard input say.

Runs in a folder with producer.py and enqueue.lua. One JSON answer a line: {"states": [...]},
{"refused": [...]} or {"error": "..."}.
"""
import json
import sys

import redis
from producer import Refused, enqueue


def text(value):
    if isinstance(value, list):
        return [text(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


connection = redis.Redis(unix_socket_path=sys.argv[1])
for line in sys.stdin:
    call = json.loads(line)
    for job in call["jobs"]:
        job["payload"] = bytes.fromhex(job.pop("payload_hex"))
    try:
        answer = {"states": text(enqueue(connection, call["queue"], call["jobs"], call["force"]))}
    except Refused as refused:
        answer = {"refused": text(list(refused.args))}
    except redis.RedisError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
