# SPDX-License-Identifier: Apache-2.0
# The metadata quorum service. Mount its data folder, owned by 10001, and name it with --data.
ARG BASE=localhost/weir-base:dev
FROM $BASE
LABEL org.opencontainers.image.title="Weir controller" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY weir-controller weir-inspect /usr/bin/
USER 10001:10001
ENV GLOG_logtostderr=1
EXPOSE 9190
ENTRYPOINT ["/usr/bin/weir-controller"]
