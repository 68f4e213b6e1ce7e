#!/bin/sh
# git's cases for `authtype` and `ephemeral`, which its t0303 does not run. Runs in the folder t/ of git's source.
# shellcheck source=/dev/null
# shellcheck disable=SC2034 # the test library shows it
test_description='authtype with an external credential helper'
. ./test-lib.sh
. "$TEST_DIRECTORY"/lib-credential.sh
helper_test_authtype "$GIT_TEST_CREDENTIAL_HELPER"
test_done
