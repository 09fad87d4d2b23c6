// SPDX-License-Identifier: Apache-2.0
// cli: the subcommands of `logtally`. Each file cmd_NAME.c has one; main.c
// looks them up in its table. argv[0] is the subcommand's name, options may
// stand before, between and behind operands. Each returns an exit code of
// common/base/errcode.h, prints data to standard output and everything else
// to standard error.
#ifndef LOGTALLY_COORDINATOR_CLI_CLI_H
#define LOGTALLY_COORDINATOR_CLI_CLI_H

int cmd_run(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_jobs(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_result(int argc, char **argv);
int cmd_cancel(int argc, char **argv);
int cmd_workers(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_formats(int argc, char **argv);

#endif
