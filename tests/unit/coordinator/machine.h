// SPDX-License-Identifier: Apache-2.0
// All that tests of the coordinator's machine share.
#ifndef LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_H
#define LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_H

#include "tests/unit/coordinator/machine_core.h"
#include "tests/unit/coordinator/machine_shards.h"
#include "tests/unit/coordinator/machine_workers.h"

#endif
