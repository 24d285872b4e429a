// SPDX-License-Identifier: MIT
#pragma once
// The resolver of a test program: its getaddrinfo hangs until the test says what it answers.
// Numeric hosts are answered at once. Link gw_test_resolver.

#include <stdbool.h>

// Every lookup hangs from now on, those that hang already too.
void test_resolver_reset(void);
// The next `lookups` of them find `first` and `second`, of which both or the second may be NULL:
// the lookup fails.
void test_resolver_answer(int lookups, const char *first, const char *second);
// Since the reset: lookups that began, those that ended, and answers whose caller is done with them
// (freed; a failure was explained).
int test_resolver_begun(void);
int test_resolver_ended(void);
int test_resolver_taken(void);
// Of the last lookup that began.
bool test_resolver_was_asked_for(const char *host);
