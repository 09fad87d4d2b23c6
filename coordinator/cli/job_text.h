// SPDX-License-Identifier: Apache-2.0
// job_text: a job's state as text: the line that moves while it runs, the
// lines of `status`, a JSON object.
#ifndef LOGTALLY_COORDINATOR_CLI_JOB_TEXT_H
#define LOGTALLY_COORDINATOR_CLI_JOB_TEXT_H

#include "common/base/bytes.h"
#include "common/wire/control.pb.h"

const char *job_state_name(lt_JobState state); // "running"
bool job_has_ended(const lt_JobUpdate *job);
// The exit code of a job that has ended.
int job_exit(const lt_JobUpdate *job);
// Done of all bytes, 0 to 100; 0 before the plan is known.
unsigned job_percent(const lt_JobUpdate *job);

// Some lines "name  value".
void job_details(const lt_JobUpdate *job, buf_t *out);
void job_json(const lt_JobUpdate *job, buf_t *out);
// The same without its brackets.
void job_members(const lt_JobUpdate *job, buf_t *out);
// How it ended, as a sentence without its end: "job 17 is done".
void job_end(const lt_JobUpdate *job, buf_t *out);

#endif
