"""job_list.py - the jobs of `tests/bench/run jobs`, by the names of --only: functions of a Bench that return Parts."""

import job_filters
import job_reports
import job_servers

JOBS = {
    "policy": job_servers.policy,
    "greylisting": job_filters.greylisting,
    "lists": job_filters.lists,
    "arc": job_filters.arc,
    "srs": job_servers.srs,
    "reports": job_reports.reports,
}
