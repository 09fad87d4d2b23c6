// SPDX-License-Identifier: Apache-2.0
// sanitized: is this a build with a sanitizer that looks at the process from
// inside? It reads files and starts helpers that others may not.
#ifndef LOGTALLY_COMMON_BASE_SANITIZED_H
#define LOGTALLY_COMMON_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILD_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BUILD_IS_SANITIZED 1
#endif
#endif
#ifndef BUILD_IS_SANITIZED
#define BUILD_IS_SANITIZED 0
#endif

#endif
