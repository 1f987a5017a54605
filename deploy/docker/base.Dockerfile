# SPDX-License-Identifier: Apache-2.0
# The base of the three images: Debian and the libraries. build.sh makes the same without a daemon.
FROM debian:bookworm-slim
COPY runtime-packages.txt /tmp/
RUN apt-get update -qq \
 && grep -v '^#' /tmp/runtime-packages.txt \
    | DEBIAN_FRONTEND=noninteractive xargs apt-get install -y -qq --no-install-recommends \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /tmp/runtime-packages.txt
