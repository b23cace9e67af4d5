"""Hooks of schemathesis: URLs are replaced by those of the test site or of an unreachable address, and some ids by those of
existing jobs. Environment: SITE, JOBS (ids, separated by commas), COUNTS (a file for the number of responses by status)."""

import atexit
import os
import threading
import zlib

import schemathesis

SITE, JOBS = os.environ["SITE"], os.environ["JOBS"].split(",")
statuses, lock = {}, threading.Lock()


def chosen(text, among):
    """A choice that depends on the text alone, so that a run can be repeated."""
    return among[zlib.crc32(repr(text).encode()) % len(among)]


def at_site(value, hook=False):
    """Replaces HTTP URLs by one of the site."""
    if isinstance(value, list):
        return [at_site(item, hook) for item in value]
    if isinstance(value, str) and value.strip().lower().startswith("http"):
        return SITE + ("/hook" if hook else "/article")
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, dict):
        for key in ("url", "urls"):
            if key in case.body:
                case.body[key] = at_site(case.body[key])
        webhook = case.body.get("webhook_config")
        if isinstance(webhook, dict) and "webhook_url" in webhook:
            webhook["webhook_url"] = at_site(webhook["webhook_url"], hook=True)
    if case.path_parameters and "url" in case.path_parameters:
        # A path cannot contain two slashes, and the site has no https.
        case.path_parameters["url"] = "10.0.0.1/nowhere"
    if case.path_parameters and "task_id" in case.path_parameters:
        given = case.path_parameters["task_id"]
        case.path_parameters["task_id"] = chosen(given, [given, *JOBS])


@schemathesis.hook
def after_call(context, case, response):
    with lock:
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1


@atexit.register
def write_counts():
    with open(os.environ["COUNTS"], "w") as file:
        file.writelines(f"{status} {count}\n" for status, count in sorted(statuses.items()))
