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
// More partitions of a topic, each with as many replicas as the first has.
Decision Decide(const metadata::Image& tip, const AddPartitions& command, Now now);
// Elections on demand; each partition is answered for itself.
Decision Decide(const metadata::Image& tip, const ElectLeaders& command, Now now);
// Partitions move to other nodes (Kafka's AlterPartitionReassignments), or back; all of them, or
// none. A newer move of a partition takes the place of the one that is under way.
Decision Decide(const metadata::Image& tip, const Reassign& command, Now now);
Decision Decide(const metadata::Image& tip, const CancelReassign& command, Now now);
// A node is to be emptied: others lead what it leads; its replicas follow step by step.
Decision Decide(const metadata::Image& tip, const DrainNode& command, Now now);
// It may be given replicas and leaderships again. Moves that are under way go on.
Decision Decide(const metadata::Image& tip, const UndrainNode& command, Now now);
// A node that is gone, and holds nothing, is forgotten.
Decision Decide(const metadata::Image& tip, const RemoveNode& command, Now now);
// A data folder works no more: its replicas leave every ISR, and others lead what they led.
Decision Decide(const metadata::Image& tip, const FailDirectory& command, Now now);
// A feature's level is raised, if every registered process can go along.
Decision Decide(const metadata::Image& tip, const UpgradeFeature& command, Now now);
Decision Decide(const metadata::Image& tip, const BalanceLeaders& command, Now now);
Decision Decide(const metadata::Image& tip, const DrainStep& command, Now now);

// The members of the quorum: one comes as a learner, is made a voter, or goes.
Decision Decide(const metadata::Image& tip, const AddLearner& command, Now now);
Decision Decide(const metadata::Image& tip, const PromoteLearner& command, Now now);
Decision Decide(const metadata::Image& tip, const RemoveVoter& command, Now now);

}  // namespace weir::decide
