"""What schemathesis asks before and after each request: addresses lead to the tests' own site, or nowhere, and some ids
are those of jobs that there are. SITE, JOBS (ids, with commas between them) and COUNTS (a file) come by environment."""

import atexit
import os
import threading
import zlib

import schemathesis

SITE, JOBS = os.environ["SITE"], os.environ["JOBS"].split(",")
statuses, lock = {}, threading.Lock()


def chosen(text, among):
    """The same for the same text, so that a run can be repeated."""
    return among[zlib.crc32(repr(text).encode()) % len(among)]


def led_home(value, hook=False):
    """What may be an address becomes one of the site; what is none stays."""
    if isinstance(value, list):
        return [led_home(item, hook) for item in value]
    if isinstance(value, str) and value.strip().lower().startswith("http"):
        return SITE + ("/hook" if hook else "/article")
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, dict):
        for key in ("url", "urls"):
            if key in case.body:
                case.body[key] = led_home(case.body[key])
        webhook = case.body.get("webhook_config")
        if isinstance(webhook, dict) and "webhook_url" in webhook:
            webhook["webhook_url"] = led_home(webhook["webhook_url"], hook=True)
    if case.path_parameters and "url" in case.path_parameters:
        # Two slashes do not survive in a path, and https is not spoken at home.
        case.path_parameters["url"] = "10.0.0.1/nowhere"
    if case.path_parameters and "task_id" in case.path_parameters:
        given = case.path_parameters["task_id"]
        case.path_parameters["task_id"] = chosen(given, [given, *JOBS])


@schemathesis.hook
def after_call(context, case, response):
    with lock:
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1


@atexit.register
def tell():
    with open(os.environ["COUNTS"], "w") as file:
        file.writelines(f"{status} {count}\n" for status, count in sorted(statuses.items()))
