// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/standard_methods.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpc/grpc.h>
#include <grpc/support/alloc.h>
#include <grpcpp/ext/channelz_service_plugin.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "proto/rpc/health.pb.h"
#include "proto/rpc/reflection.pb.h"

namespace weir::host {

namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::Message;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;

CallStatus NoProtobuf() { return {StatusCode::kInvalidArgument, "the request is no Protobuf", ""}; }

bool Parse(const Bytes& bytes, Message* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

Pieces PiecesOf(const Message& message) { return {Bytes::FromString(message.SerializeAsString())}; }

Pieces StatusOf(bool known, bool serving) {
  HealthCheckResponse response;
  response.set_status(!known    ? HealthCheckResponse::SERVICE_UNKNOWN
                      : serving ? HealthCheckResponse::SERVING
                                : HealthCheckResponse::NOT_SERVING);
  return PiecesOf(response);
}

// A file with all that it imports.
void PutFiles(const FileDescriptor& file, std::set<std::string>* seen,
              ServerReflectionResponse* response) {
  if (!seen->insert(file.name()).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  response->mutable_file_descriptor_response()->add_file_descriptor_proto(
      proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) PutFiles(*file.dependency(i), seen, response);
}

void PutNotFound(const std::string& what, ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(static_cast<int>(StatusCode::kNotFound));
  response->mutable_error_response()->set_error_message("there is no " + what);
}

void PutExtensions(const std::string& type, ServerReflectionResponse* response) {
  const auto* pool = DescriptorPool::generated_pool();
  const auto* message = pool->FindMessageTypeByName(type);
  if (message == nullptr) return PutNotFound(type, response);
  std::vector<const google::protobuf::FieldDescriptor*> extensions;
  pool->FindAllExtensions(message, &extensions);
  auto* numbers = response->mutable_all_extension_numbers_response();
  numbers->set_base_type_name(type);
  for (const auto* each : extensions) numbers->add_extension_number(each->number());
}

ServerReflectionResponse Describe(const ServerReflectionRequest& request,
                                  const std::vector<std::string>& services) {
  const auto* pool = DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  auto put = [&](const FileDescriptor* file, const std::string& what) {
    std::set<std::string> seen;
    file == nullptr ? PutNotFound(what, &response) : PutFiles(*file, &seen, &response);
  };
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      put(pool->FindFileByName(request.file_by_filename()), request.file_by_filename());
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      put(pool->FindFileContainingSymbol(request.file_containing_symbol()),
          request.file_containing_symbol());
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      const auto* type = pool->FindMessageTypeByName(wanted.containing_type());
      const auto* extension =
          type == nullptr ? nullptr : pool->FindExtensionByNumber(type, wanted.extension_number());
      put(extension == nullptr ? nullptr : extension->file(), wanted.containing_type());
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      PutExtensions(request.all_extension_numbers_of_type(), &response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const auto& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(
          static_cast<int>(StatusCode::kInvalidArgument));
      response.mutable_error_response()->set_error_message("the request asks for nothing");
      break;
  }
  return response;
}

class Reflection : public StreamEvents {
 public:
  Reflection(std::shared_ptr<const std::vector<std::string>> services,
             std::shared_ptr<Stream> stream)
      : services_(std::move(services)), stream_(std::move(stream)) {}

  void OnMessage(Bytes message) override {
    ServerReflectionRequest request;
    if (!Parse(message, &request)) return stream_->Finish(NoProtobuf());
    stream_->PauseReading();
    stream_->Send(PiecesOf(Describe(request, *services_)));
  }
  void OnDrained() override { stream_->ResumeReading(); }
  void OnPeerFinished() override { stream_->Finish(CallStatus::Ok()); }
  void OnEnd(CallStatus) override { stream_.reset(); }

 private:
  const std::shared_ptr<const std::vector<std::string>> services_;
  std::shared_ptr<Stream> stream_;
};

// Channelz's messages are known by their descriptors alone; gRPC's core tells them as JSON.
class Channelz {
 public:
  // What gRPC tells for a request whose numbers are these.
  using Ask = std::function<char*(int64_t first, int64_t second, int64_t third)>;

  void Add(const std::string& name, Ask ask, Methods* methods) {
    const auto* method =
        DescriptorPool::generated_pool()->FindMethodByName("grpc.channelz.v1.Channelz." + name);
    if (method == nullptr) return;
    (*methods)["/grpc.channelz.v1.Channelz/" + name] =
        UnaryMethod([method, ask = std::move(ask)](const Caller&, const Bytes& bytes, Reply reply) {
          google::protobuf::DynamicMessageFactory factory;
          std::unique_ptr<Message> request(factory.GetPrototype(method->input_type())->New());
          std::unique_ptr<Message> response(factory.GetPrototype(method->output_type())->New());
          if (!Parse(bytes, request.get())) return reply(NoProtobuf(), {});
          char* told = ask(Number(*request, 1), Number(*request, 2), Number(*request, 3));
          if (told == nullptr) return reply({StatusCode::kNotFound, "there is none", ""}, {});
          auto read = google::protobuf::util::JsonStringToMessage(told, response.get());
          gpr_free(told);
          if (!read.ok()) return reply({StatusCode::kInternal, "gRPC's answer is none", ""}, {});
          reply(CallStatus::Ok(), PiecesOf(*response));
        });
  }

 private:
  static int64_t Number(const Message& request, int number) {
    const auto* field = request.GetDescriptor()->FindFieldByNumber(number);
    if (field == nullptr || field->type() != google::protobuf::FieldDescriptor::TYPE_INT64) {
      return 0;
    }
    return request.GetReflection()->GetInt64(request, field);
  }
};

void AddChannelz(Methods* methods) {
  // Brings the library, and with it the descriptors.
  grpc::channelz::experimental::InitChannelzService();
  Channelz channelz;
  channelz.Add(
      "GetTopChannels", [](auto id, auto, auto) { return grpc_channelz_get_top_channels(id); },
      methods);
  channelz.Add(
      "GetServers", [](auto id, auto, auto) { return grpc_channelz_get_servers(id); }, methods);
  channelz.Add(
      "GetServer", [](auto id, auto, auto) { return grpc_channelz_get_server(id); }, methods);
  channelz.Add(
      "GetServerSockets",
      [](auto id, auto first, auto most) {
        return grpc_channelz_get_server_sockets(id, first, most);
      },
      methods);
  channelz.Add(
      "GetChannel", [](auto id, auto, auto) { return grpc_channelz_get_channel(id); }, methods);
  channelz.Add(
      "GetSubchannel", [](auto id, auto, auto) { return grpc_channelz_get_subchannel(id); },
      methods);
  channelz.Add(
      "GetSocket", [](auto id, auto, auto) { return grpc_channelz_get_socket(id); }, methods);
}

std::vector<std::string> ServicesOf(const Methods& methods) {
  std::set<std::string> services;
  for (const auto& [name, method] : methods) services.insert(name.substr(1, name.find('/', 1) - 1));
  return {services.begin(), services.end()};
}

}  // namespace

// One that hears of every change.
class Health::Watch : public StreamEvents, public std::enable_shared_from_this<Watch> {
 public:
  Watch(Health* health, std::shared_ptr<Stream> stream)
      : health_(health), stream_(std::move(stream)) {}

  void OnMessage(Bytes message) override {
    HealthCheckRequest request;
    if (!Parse(message, &request)) return stream_->Finish(NoProtobuf());
    knows_ = health_->Knows(request.service());
    Tell(health_->serving_);
    health_->watches_.push_back(weak_from_this());
  }
  void OnEnd(CallStatus) override { stream_.reset(); }

  void Tell(bool serving) {
    if (stream_) stream_->Send(StatusOf(knows_, serving));
  }
  void End() {
    if (stream_) stream_->Finish({StatusCode::kCancelled, "the process is going", ""});
  }
  bool has_ended() const { return stream_ == nullptr; }

 private:
  Health* const health_;
  std::shared_ptr<Stream> stream_;
  bool knows_ = false;
};

void Health::SetServing(bool serving) {
  if (std::exchange(serving_, serving) == serving) return;
  std::erase_if(watches_, [](const auto& each) {
    auto watch = each.lock();
    return watch == nullptr || watch->has_ended();
  });
  for (const auto& each : watches_) {
    if (auto watch = each.lock()) watch->Tell(serving);
  }
}

void Health::End() {
  for (const auto& each : std::exchange(watches_, {})) {
    if (auto watch = each.lock()) watch->End();
  }
}

bool Health::Knows(const std::string& service) const {
  return service.empty() || std::ranges::find(services_, service) != services_.end();
}

void Health::Check(const Bytes& bytes, Reply reply) const {
  HealthCheckRequest request;
  if (!Parse(bytes, &request)) return reply(NoProtobuf(), {});
  if (!Knows(request.service())) {
    return reply({StatusCode::kNotFound, "there is no service " + request.service(), ""}, {});
  }
  reply(CallStatus::Ok(), StatusOf(true, serving_));
}

std::shared_ptr<StreamEvents> Health::Open(std::shared_ptr<Stream> stream) {
  return std::make_shared<Watch>(this, std::move(stream));
}

// The methods hold it, and go with the server.
std::shared_ptr<Health> AddStandardMethods(Methods* methods) {
  auto health = std::make_shared<Health>();
  health->services_ = ServicesOf(*methods);
  (*methods)["/grpc.health.v1.Health/Check"] =
      UnaryMethod([health](const Caller&, const Bytes& request, Reply reply) {
        health->Check(request, std::move(reply));
      });
  (*methods)["/grpc.health.v1.Health/Watch"] =
      StreamMethod([health](const Caller&, std::shared_ptr<Stream> stream) {
        return health->Open(std::move(stream));
      });
  AddChannelz(methods);
  auto services = std::make_shared<std::vector<std::string>>(ServicesOf(*methods));
  services->emplace_back("grpc.reflection.v1alpha.ServerReflection");
  (*methods)["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] =
      StreamMethod([services](const Caller&, std::shared_ptr<Stream> stream) {
        return std::make_shared<Reflection>(services, std::move(stream));
      });
  return health;
}

}  // namespace weir::host
