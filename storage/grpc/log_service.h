// SPDX-License-Identifier: Apache-2.0
// The gRPC edge of records: weir.log.v1.Log in domain words. It translates, and never decides.
#pragma once

#include "common/host/network.h"
#include "storage/broker/catalog.h"
#include "storage/broker/producer_ids.h"
#include "storage/broker/records.h"

namespace weir::grpc_edge {

// All three outlive the methods. One strand.
struct LogService {
  broker::Records* records;
  broker::Catalog* catalog;
  broker::ProducerIds* producer_ids;
};

host::Methods LogMethods(LogService service);

}  // namespace weir::grpc_edge
