# SPDX-License-Identifier: Apache-2.0
# The `weir` command: docker run --rm -i localhost/weir:dev topic list ...
ARG BASE=localhost/weir-base:dev
FROM $BASE
LABEL org.opencontainers.image.title="Weir command" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY weir /usr/bin/weir
USER 10001:10001
ENV GLOG_logtostderr=1
ENTRYPOINT ["/usr/bin/weir"]
