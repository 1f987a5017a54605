# SPDX-License-Identifier: Apache-2.0
# The storage node service. Mount its data folder, owned by 10001, and name it with --data.
ARG BASE=localhost/weir-base:dev
FROM $BASE
LABEL org.opencontainers.image.title="Weir storage node" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY weir-storage /usr/bin/weir-storage
USER 10001:10001
ENV GLOG_logtostderr=1
EXPOSE 9292 9293
ENTRYPOINT ["/usr/bin/weir-storage"]
