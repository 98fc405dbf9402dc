"""job_list.py - the jobs of `tests/bench/run jobs`, by the names of --only: functions of a Bench that return Parts."""

import job_servers

JOBS = {
    "policy": job_servers.policy,
    "srs": job_servers.srs,
}
