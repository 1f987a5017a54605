// SPDX-License-Identifier: Apache-2.0
// Every decision of the metadata machine: one pure function each, in a file of its name. `tip` is
// the image with all that was decided before, committed or not.
#pragma once

#include "common/machine/decision.h"
#include "controller/decide/commands.h"

namespace weir::decide {

using machine::Now;

// A node begins a session. The same incarnation again keeps its epoch. A new one leaves every ISR,
// and starts fenced, with the index of this decision as its epoch.
Decision Decide(const metadata::Image& tip, const RegisterNode& command, Now now);
// A node that has applied its own registration serves again; what nobody leads, it may.
Decision Decide(const metadata::Image& tip, const UnfenceNode& command, Now now);
// A node is gone: it leaves every ISR, and others lead what it led.
Decision Decide(const metadata::Image& tip, const FenceNode& command, Now now);
// A node stops in order: others lead what it led, where another one is in sync.
Decision Decide(const metadata::Image& tip, const StopNode& command, Now now);
Decision Decide(const metadata::Image& tip, const CreateTopic& command, Now now);
Decision Decide(const metadata::Image& tip, const DeleteTopic& command, Now now);
// A leader asks for another ISR (Kafka's AlterPartition).
Decision Decide(const metadata::Image& tip, const ChangeIsr& command, Now now);
Decision Decide(const metadata::Image& tip, const UpdateConfigs& command, Now now);
Decision Decide(const metadata::Image& tip, const AllocateProducerIds& command, Now now);
// The members of the quorum: one comes as a learner, is made a voter, or goes.
Decision Decide(const metadata::Image& tip, const AddLearner& command, Now now);
Decision Decide(const metadata::Image& tip, const PromoteLearner& command, Now now);
Decision Decide(const metadata::Image& tip, const RemoveVoter& command, Now now);

}  // namespace weir::decide
