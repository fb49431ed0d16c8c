#include "base/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>

#include "base/units.h"

namespace wp {
namespace {

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    if (comma > start) parts.push_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  return parts;
}

// Turns the texts of one source into the variable; answers what is allowed when it can't.
using Assign = std::function<std::optional<std::string>(const std::vector<std::string>&)>;

struct Entry {
  Setting setting;
  bool many = false;
  bool is_toggle = false;
  Assign assign;
  std::function<std::string()> show;
  std::vector<std::string> from_flag;
  bool toggle_flag = false;
  CLI::Option* flag = nullptr;
  std::string source = "default";
};

// Shows the words of a remainder() in the help: they are no option to CLI11.
class HelpWithWords : public CLI::Formatter {
 public:
  HelpWithWords(std::string name, std::string help)
      : name_(std::move(name)), help_(std::move(help)) {}

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    usage.insert(usage.find_last_not_of('\n') + 1, " [[--] " + name_ + "...]");
    return usage;
  }
  std::string make_positionals(const CLI::App* app) const override {
    return CLI::Formatter::make_positionals(app) +
           fmt::format("\nWords:\n  {:<{}}{}\n", name_ + " ...", get_column_width() - 2, help_);
  }

 private:
  std::string name_;
  std::string help_;
};

}  // namespace

struct Options::Impl {
  std::unique_ptr<CLI::App> owned;
  CLI::App* app = nullptr;
  std::string name;
  std::vector<std::unique_ptr<Entry>> entries;
  std::vector<std::unique_ptr<Options>> commands;
  std::string config_file;
  std::vector<std::string>* words = nullptr;  // of remainder()
  bool root = false;

  // What CLI11 left over. Words that begin with a dash are words only behind `--`: else a mistyped
  // flag would become a program's name.
  void take_words() {
    if (words == nullptr) return;
    std::vector<std::string> rest = app->remaining();
    if (!rest.empty() && rest.front() == "--") {
      rest.erase(rest.begin());
    } else if (!rest.empty() && rest.front().starts_with('-')) {
      throw UsageError(
          fmt::format("{}: no such flag (--help lists them; words for the command that begin with "
                      "a dash go behind --)",
                      rest.front()));
    }
    *words = std::move(rest);
  }

  // CLI11 only says that a sub-command is required. Names the word that is none.
  void refuse_unknown_command() const {
    const Impl* inner = this;
    for (bool deeper = true; deeper;) {
      deeper = false;
      for (const auto& command : inner->commands) {
        if (!command->impl_->app->parsed()) continue;
        inner = command->impl_.get();
        deeper = true;
        break;
      }
    }
    if (inner->commands.empty()) return;
    std::vector<std::string> names;
    for (const auto& command : inner->commands) names.push_back(command->impl_->name);
    const std::string below = inner->root ? std::string() : inner->name + ": ";
    // The innermost one hands on what it can't place.
    for (const std::string& word : app->remaining(true)) {
      if (word.starts_with('-')) continue;
      throw UsageError(fmt::format("{}no command {}; there are {} (try --help)", below, word,
                                   join(names, ", ")));
    }
    throw UsageError(
        fmt::format("{}a command is required: {} (try --help)", below, join(names, ", ")));
  }

  Entry& add(Setting setting) {
    entries.push_back(std::make_unique<Entry>());
    Entry& entry = *entries.back();
    entry.setting = std::move(setting);
    return entry;
  }

  std::string help_of(const Entry& entry, const std::string& fallback) const {
    std::string text = entry.setting.help;
    if (!fallback.empty() && !entry.setting.secret) text += " (default " + fallback + ")";
    if (!entry.setting.env.empty()) text += " [" + entry.setting.env + "]";
    return text;
  }

  static std::string flag_of(const Entry& entry) {
    const std::string name = "--" + entry.setting.name;
    return entry.setting.letter == 0 ? name : fmt::format("-{},{}", entry.setting.letter, name);
  }

  Entry& add_value(Setting setting, bool many, Assign assign, std::function<std::string()> show) {
    Entry& entry = add(std::move(setting));
    entry.many = many;
    entry.assign = std::move(assign);
    entry.show = std::move(show);
    const std::string help = help_of(entry, entry.show());
    const std::string flag = flag_of(entry);
    // One value a flag: CLI11 would also take the words behind it, and split "[a,b]".
    entry.flag = app->add_option(flag, entry.from_flag, help)->allow_extra_args(false);
    if (!many) entry.flag->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    entry.flag->type_name(entry.setting.placeholder);
    return entry;
  }

  void take(Entry& entry, const std::vector<std::string>& texts, const std::string& source) const {
    const auto allowed = entry.assign(texts);
    if (allowed) {
      const std::string shown =
          entry.setting.secret ? "the given value" : "\"" + join(texts, ",") + "\"";
      throw UsageError(fmt::format("{}: {} (from {}) is not allowed: {}", entry.setting.name, shown,
                                   source, *allowed));
    }
    entry.source = source;
  }

  // Flag, then environment, then file: the first that speaks wins.
  void resolve(const YAML::Node& file, const std::string& file_name) {
    for (auto& owned_entry : entries) {
      Entry& entry = *owned_entry;
      if (entry.is_toggle ? entry.toggle_flag : entry.flag->count() > 0) {
        take(entry, entry.is_toggle ? std::vector<std::string>{"true"} : entry.from_flag,
             "flag --" + entry.setting.name);
        continue;
      }
      const char* env =
          entry.setting.env.empty() ? nullptr : std::getenv(entry.setting.env.c_str());
      if (env != nullptr && *env != '\0') {
        take(entry, entry.many ? split_commas(env) : std::vector<std::string>{env},
             "environment " + entry.setting.env);
        continue;
      }
      const YAML::Node node = file.IsMap() ? file[entry.setting.name] : YAML::Node();
      if (!node.IsDefined() || node.IsNull()) continue;
      std::vector<std::string> texts;
      if (node.IsScalar()) {
        texts = {node.Scalar()};
      } else if (node.IsSequence() && entry.many) {
        for (const YAML::Node& item : node) texts.push_back(item.as<std::string>(""));
      } else {
        throw UsageError(fmt::format("{}: {}: expected {}", file_name, entry.setting.name,
                                     entry.many ? "a list of texts" : "a single value"));
      }
      take(entry, texts, "file " + file_name);
    }
  }

  // Calls `visit` on this and on every chosen sub-command below it.
  template <typename Self, typename Visit>
  static void each_chosen(Self& self, Visit visit) {
    visit(self);
    for (auto& command : self.commands) {
      if (command->impl_->app->parsed()) each_chosen<Self>(*command->impl_, visit);
    }
  }

  bool knows(const std::string& key) const {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const auto& entry) { return entry->setting.name == key; });
  }
};

namespace {

YAML::Node load_file(const std::string& name) {
  if (name.empty()) return YAML::Node(YAML::NodeType::Map);
  try {
    YAML::Node node = YAML::LoadFile(name);
    if (node.IsNull()) return YAML::Node(YAML::NodeType::Map);
    if (!node.IsMap()) throw UsageError(name + ": expected `name: value` lines");
    return node;
  } catch (const YAML::BadFile&) {
    throw UsageError("config: cannot read \"" + name + "\" (from flag --config)");
  } catch (const YAML::Exception& e) {
    throw UsageError(fmt::format("{}:{}: not YAML: {}", name, e.mark.line + 1, e.msg));
  }
}

// A single scalar; the last one given counts.
const std::string& last(const std::vector<std::string>& texts) {
  return texts.back();
}

}  // namespace

Options::Options(std::string program, std::string about) : impl_(std::make_unique<Impl>()) {
  impl_->owned = std::make_unique<CLI::App>(std::move(about), program);
  impl_->app = impl_->owned.get();
  impl_->name = std::move(program);
  impl_->root = true;
  impl_->app->set_version_flag("--version", impl_->name + " " WORKERPOOL_VERSION);
  impl_->app->add_option("--config", impl_->config_file, "read settings from this YAML file")
      ->type_name("FILE");
}

Options::Options(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Options::~Options() = default;

Options& Options::text(Setting setting, std::string& value) {
  impl_->add_value(
      std::move(setting), false,
      [&value](const auto& texts) -> std::optional<std::string> {
        value = last(texts);
        return std::nullopt;
      },
      [&value] { return value; });
  return *this;
}

Options& Options::integer(Setting setting, std::int64_t& value, Bounds bounds) {
  impl_->add_value(
      std::move(setting), false,
      [&value, bounds](const auto& texts) -> std::optional<std::string> {
        const std::string& text = last(texts);
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size() || number < bounds.min ||
            number > bounds.max) {
          return fmt::format("a whole number from {} to {}", bounds.min, bounds.max);
        }
        value = number;
        return std::nullopt;
      },
      [&value] { return std::to_string(value); });
  return *this;
}

Options& Options::duration(Setting setting, Millis& value, Bounds bounds) {
  impl_->add_value(
      std::move(setting), false,
      [&value, bounds](const auto& texts) -> std::optional<std::string> {
        const auto parsed = parse_duration(last(texts));
        if (!parsed || parsed->count() < bounds.min || parsed->count() > bounds.max) {
          return fmt::format("a duration such as 90s or 5m, from {} to {}",
                             format_duration(Millis{bounds.min}),
                             format_duration(Millis{bounds.max}));
        }
        value = *parsed;
        return std::nullopt;
      },
      [&value] { return format_duration(value); });
  return *this;
}

Options& Options::bytes(Setting setting, std::int64_t& value, Bounds bounds) {
  impl_->add_value(
      std::move(setting), false,
      [&value, bounds](const auto& texts) -> std::optional<std::string> {
        const auto parsed = parse_bytes(last(texts));
        if (!parsed || *parsed < bounds.min || *parsed > bounds.max) {
          return fmt::format("a size such as 64Ki or 1Mi, from {} to {}", format_bytes(bounds.min),
                             format_bytes(bounds.max));
        }
        value = *parsed;
        return std::nullopt;
      },
      [&value] { return format_bytes(value); });
  return *this;
}

Options& Options::choice(Setting setting, std::string& value, std::vector<std::string> allowed) {
  impl_->add_value(
      std::move(setting), false,
      [&value, allowed = std::move(allowed)](const auto& texts) -> std::optional<std::string> {
        if (std::find(allowed.begin(), allowed.end(), last(texts)) == allowed.end()) {
          return "one of " + join(allowed, ", ");
        }
        value = last(texts);
        return std::nullopt;
      },
      [&value] { return value; });
  return *this;
}

Options& Options::toggle(Setting setting, bool& value) {
  Entry& entry = impl_->add(std::move(setting));
  entry.is_toggle = true;
  entry.assign = [&value](const auto& texts) -> std::optional<std::string> {
    if (last(texts) != "true" && last(texts) != "false") return "true or false";
    value = last(texts) == "true";
    return std::nullopt;
  };
  entry.show = [&value] { return value ? "true" : "false"; };
  entry.flag =
      impl_->app->add_flag(Impl::flag_of(entry), entry.toggle_flag, impl_->help_of(entry, ""));
  return *this;
}

Options& Options::list(Setting setting, std::vector<std::string>& values) {
  impl_->add_value(
      std::move(setting), true,
      [&values](const auto& texts) -> std::optional<std::string> {
        values = texts;
        return std::nullopt;
      },
      [&values] { return join(values, ","); });
  return *this;
}

Options& Options::positional(const std::string& name, const std::string& help, std::string& value,
                             bool required) {
  impl_->app->add_option(name, value, help)->required(required)->type_name("");
  return *this;
}

Options& Options::words(const std::string& name, const std::string& help,
                        std::vector<std::string>& values) {
  impl_->app->add_option(name, values, help)->type_name("")->expected(0, -1)->option_text("...");
  return *this;
}

Options& Options::remainder(const std::string& name, const std::string& help,
                            std::vector<std::string>& words) {
  // Not a positional option: CLI11 would take a word such as "[ -f x ]" apart as a list.
  impl_->words = &words;
  impl_->app->prefix_command();
  impl_->app->formatter(std::make_shared<HelpWithWords>(name, help));
  return *this;
}

Options& Options::command(const std::string& name, const std::string& about) {
  auto impl = std::make_unique<Impl>();
  impl->app = impl_->app->add_subcommand(name, about);
  impl->app->fallthrough();
  impl->name = name;
  impl_->app->require_subcommand(1);
  impl_->commands.push_back(std::unique_ptr<Options>(new Options(std::move(impl))));
  return *impl_->commands.back();
}

Options& Options::epilog(const std::string& text) {
  impl_->app->footer(text);
  return *this;
}

Parsed Options::parse(int argc, const char* const* argv) {
  try {
    impl_->app->parse(argc, argv);
  } catch (const CLI::Success& e) {
    impl_->app->exit(e, std::cout, std::cout);
    return Parsed::exit;
  } catch (const CLI::ParseError& e) {
    impl_->refuse_unknown_command();
    throw UsageError(std::string(e.what()) + " (try --help)");
  }
  const YAML::Node file = load_file(impl_->config_file);
  std::vector<std::string> unknown;
  if (file.IsMap()) {
    for (const auto& item : file) unknown.push_back(item.first.as<std::string>(""));
  }
  Impl::each_chosen(*impl_, [&](Impl& impl) {
    impl.take_words();
    impl.resolve(file, impl_->config_file);
    std::erase_if(unknown, [&](const std::string& key) { return impl.knows(key); });
  });
  if (!unknown.empty()) {
    throw UsageError(fmt::format("{}: unknown setting \"{}\" (--help lists the settings)",
                                 impl_->config_file, unknown.front()));
  }
  return Parsed::run;
}

std::string Options::chosen() const {
  std::vector<std::string> names;
  Impl::each_chosen(*impl_, [&](const Impl& impl) {
    if (!impl.root) names.push_back(impl.name);
  });
  return join(names, " ");
}

std::vector<ResolvedSetting> Options::resolved() const {
  std::vector<ResolvedSetting> settings;
  Impl::each_chosen(*impl_, [&](const Impl& impl) {
    for (const auto& entry : impl.entries) {
      std::string value = entry->show();
      if (entry->setting.secret) value = value.empty() ? "(not set)" : "(set)";
      settings.push_back({entry->setting.name, std::move(value), entry->source});
    }
  });
  return settings;
}

int run_program(const std::string& program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const UsageError& e) {
    std::cerr << program << ": " << e.what() << "\n";
    return 2;
  } catch (const std::exception& e) {
    std::cerr << program << ": " << e.what() << "\n";
    return 1;
  }
}

}  // namespace wp
