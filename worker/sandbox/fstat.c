// SPDX-License-Identifier: Apache-2.0
// fstat of glibc 2.33 to 2.38 is newfstatat with an empty path. A filter
// cannot see that the path is empty, so allowing it would let the executor
// ask about any file. The executor is linked with --wrap=fstat, and its calls
// end here, at the call that takes no path. (64-bit systems only: there the
// kernel's struct stat is the library's.)
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int __wrap_fstat(int fd, struct stat *out);

int
__wrap_fstat(int fd, struct stat *out)
{
    return (int)syscall(SYS_fstat, fd, out);
}
