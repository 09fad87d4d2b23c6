// SPDX-License-Identifier: Apache-2.0
// beneath: opens what is below a folder and nothing else, whatever names and
// links somebody puts there meanwhile.
#ifndef LOGTALLY_WORKER_BENEATH_IO_H
#define LOGTALLY_WORKER_BENEATH_IO_H

// A descriptor, or -1 and errno: ELOOP for a link anywhere in the path
// (ENOTDIR for one at its end with O_DIRECTORY), EXDEV for what leads
// outside.
int beneath_open(int dir, const char *path, int flags);

#endif
