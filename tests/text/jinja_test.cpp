#include <quipu/text/jinja.hpp>
#include <quipu/text/jinja/from_json.hpp>
#include <quipu/text/jinja/variables.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace jinja = quipu::text::jinja;
using jinja::error_kind;
using jinja::value;

namespace {

std::string rendered(const std::string& source, const std::string& variables = "{}") {
  return jinja::compiled_template(source).render(jinja::value_from_json(variables, "variables"));
}

/// The pieces as one text: what the template wrote stands in [brackets].
std::string origins(const std::string& source, const value& variables) {
  std::string shown;
  for (const auto& piece : jinja::compiled_template(source).render_pieces(variables)) {
    shown += piece.from_template ? "[" + piece.text + "]" : piece.text;
  }
  return shown;
}

error_kind refusal(const std::string& source, const value& variables = jinja::make_dict(),
                   const jinja::limits& allowed = {}) {
  try {
    const std::string text = jinja::compiled_template(source, "t", allowed).render(variables, {allowed, {}});
    FAIL("rendered " << text.substr(0, 200));
  } catch (const jinja::template_error& problem) {
    INFO(problem.what());
    return problem.kind();
  }
  return error_kind::syntax;
}

std::string message(const std::string& source) {
  try {
    return "rendered " + rendered(source);
  } catch (const jinja::template_error& problem) {
    return problem.what();
  }
}

std::string times(std::size_t n, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("a template is parsed once and rendered many times", "[text][jinja]") {
  const jinja::compiled_template greeting("{% for m in messages %}<{{ m.role }}>{{ m.content|trim }}\n{% endfor %}");
  const value variables =
      jinja::make_dict({{"messages", jinja::make_list({jinja::make_dict({{"role", jinja::make_text("user")},
                                                                         {"content", jinja::make_text(" hi ")}})})}});
  CHECK(greeting.render(variables) == "<user>hi\n");
  CHECK(greeting.render(variables) == "<user>hi\n");
  CHECK(greeting.render(jinja::make_dict()).empty());
  CHECK(greeting.mentions("messages"));
  CHECK(!greeting.mentions("tools"));
  CHECK_THROWS_AS(greeting.render(value(1)), quipu::config_error);
}

TEST_CASE("bytes of the template are told from bytes that it was given", "[text][jinja]") {
  const value given = jinja::make_dict({{"user", jinja::make_text("<u>")},
                                        {"eos", jinja::trusted_text("</s>")},
                                        {"list", jinja::make_list({jinja::make_text("a"), jinja::make_text("b")})}});
  CHECK(origins("<|im|>{{ user }}{{ eos }}", given) == "[<|im|>]<u>[</s>]");
  CHECK(origins("{{ '<|' + user + '|>' }}{{ 'a' ~ user ~ 1 }}", given) == "[<|]<u>[|>a]<u>1");
  CHECK(origins("{{ '-'.join(list) }}|{{ list|join(' + ') }}", given) == "a[-]b[|]a[ + ]b");
  CHECK(origins("{{ ('[' ~ user ~ ']')[1:-1] }}{{ ('( ' ~ user ~ ' )')|replace('u', 'v') }}", given) ==
        "<u>[( ]<[v]>[ )]");
  CHECK(origins("{{ ('  ' ~ user ~ '  ')|trim }}{{ ('x' ~ user).split('<') }}", given) == "<u>['x', 'u>']");
  CHECK(origins("{% set s %}A{{ user }}B{% endset %}{{ s|lower }}{{ s[::-1] }}", given) == "[a]<u>[bB]>u<[A]");
  CHECK(origins("{% macro m(x) %}({{ x }}){% endmacro %}{{ m(user) }}{% filter upper %}q{{ user }}{% endfilter %}",
                given) == "[(]<u>[)Q]<U>");
  CHECK(origins("{{ '%s|%s'|format(user, 'a') }}{{ '{}!'.format(user) }}{{ user|e }}{{ '<'|e }}", given) ==
        "<u>[|a]<u>[!]&lt;u&gt;[&lt;]");
  CHECK(origins("{{ user|tojson }}{{ 'a'|tojson }}{{ [user, 'a'] }}{{ 5 }}{{ true }}", given) ==
        "\"<u>\"\"a\"['<u>', 'a']5True");
  CHECK(origins("{{ user[0] }}{{ 'ab'|first }}{% for c in 'x' ~ user %}{{ c }}{% endfor %}", given) == "<[ax]<u>");
  CHECK(origins("{{ (user ~ '\\n' ~ 'b')|indent(2) }}{{ 'a'|center(3) }}{{ user.zfill(5) }}", given) ==
        "<u>\n  [b a 00]<u>");
  CHECK(origins("{{ ('a' ~ user).partition('<')[2] }}{{ (user ~ 'z')|reverse }}{{ user * 2 }}", given) ==
        "u>[z]>u<<u><u>");
  // A user's text that looks like a control token stays the user's, however the template passes it on.
  CHECK(origins("{{ user|string|trim|list|join }}{{ dict(a=user).a }}{{ [user]|first }}{{ user if user }}", given) ==
        "<u><u><u><u>");
}

TEST_CASE("errors say where, what was expected and what was found", "[text][jinja]") {
  CHECK(message("a\n{{ 1 + 'x' }}") == "chat template line 2: expected operands that '+' takes, found int and str");
  CHECK(message("{{ x.y }}") == "chat template line 1: expected a value, found none: 'x' is undefined");
  CHECK(message("\n\n{% if %}") == "chat template line 3: expected an expression, found the end of the tag");
  CHECK(message("{{ 'a'|nosuch }}") == "chat template line 1: expected a known filter, found 'nosuch'");
  CHECK(message("{% autoescape true %}{% endautoescape %}").find("not supported here") != std::string::npos);
  CHECK(message("{{ 'x'|urlize }}").find("urlize") != std::string::npos);
  // Text of templates must not steer a terminal.
  CHECK(message("{{ a\x1b[31m }}").find('\x1b') == std::string::npos);
  try {
    (void)rendered("{{ raise_exception('No\\n\x1b' ~ 5) }}");
    FAIL("rendered");
  } catch (const jinja::template_error& problem) {
    CHECK(problem.kind() == error_kind::raised);
    CHECK(problem.raised_message() ==
          "No\n\x1b"
          "5");
    CHECK(problem.line() == 1);
    CHECK(std::string(problem.what()).find('\x1b') == std::string::npos);
  }
  CHECK(refusal("{% if %}") == error_kind::syntax);
  CHECK(refusal("{{ x + 1 }}") == error_kind::undefined);
  CHECK(refusal("{{ 1 + none }}") == error_kind::runtime);
  CHECK(refusal("{{ [].append(1) }}") == error_kind::security);
  CHECK(refusal("{{ ''.__class__.__mro__ }}") == error_kind::security);
  CHECK(refusal("{{ raise_exception('x') }}") == error_kind::raised);
}

TEST_CASE("what takes too much ends in an error of kind limits", "[text][jinja]") {
  for (const char* source : {
           "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
           "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
           "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
           "{{ 'a' * 10000000000 }}",
           "{{ ([0] * 10000000000)|length }}",
           "{{ [[1]]|tojson(indent=100000000000) }}",
           "{{ '%99999999999d' % 1 }}{{ '{:99999999999}'.format(1) }}",
           "{{ '{:99999999999}'.format(1) }}",
           "{{ 'a'.center(100000000000) }}",
           "{{ 'a'.expandtabs(5) * 999999999 }}",
           "{{ 'a\\tb'.expandtabs(99999999999) }}",
           "{{ 10 ** 100000 }}",
           "{{ range(100001) }}",
           "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
           "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s|replace('', 'xyz') %}{% endfor "
           "%}",
           "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
           "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l|map('list') %}{% endfor %}{{ "
           "ns.l|list }}",
           "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = {'a': ns.l}.values() %}{% endfor %}",
           "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
           "{% set s = 'x' * 1000000 %}{% for i in range(99999) %}{{ s }}{% endfor %}",
           "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{{ s[i] }}{% endfor %}",
           "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% if s ~ 'b' in s %}{% endif %}{% endfor %}",
       }) {
    INFO(source);
    CHECK(refusal(source) == error_kind::limits);
  }
  CHECK(refusal("{{ " + times(5000, "(") + "1" + times(5000, ")") + " }}") == error_kind::limits);
  CHECK(refusal("{{ " + times(5000, "[") + "1" + times(5000, "]") + " }}") == error_kind::limits);
  CHECK(refusal("{{ " + times(5000, "not ") + "1 }}") == error_kind::limits);
  CHECK(refusal("{{ " + times(5000, "-") + "1 }}") == error_kind::limits);
  CHECK(refusal("{{ x" + times(5000, ".a") + " }}") == error_kind::limits);
  CHECK(refusal("{{ x" + times(5000, "|list") + " }}") == error_kind::limits);
  CHECK(refusal("{{ 1" + times(5000, "+1") + " }}") == error_kind::limits);
  CHECK(refusal("{{ 1" + times(5000, " if 1 else 1") + " }}") == error_kind::limits);
  CHECK(refusal(times(5000, "{% if 1 %}") + times(5000, "{% endif %}")) == error_kind::limits);
  CHECK(refusal(std::string(2 << 20, 'x')) == error_kind::limits);

  jinja::limits few;
  few.steps = 100;
  CHECK(refusal("{% for i in range(100) %}{{ i }}{% endfor %}", jinja::make_dict(), few) == error_kind::limits);
  few = {};
  few.output_bytes = 10;
  CHECK(refusal("12345678901", jinja::make_dict(), few) == error_kind::limits);
  few = {};
  few.depth = 20;
  CHECK(refusal("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(30) }}", jinja::make_dict(),
                few) == error_kind::limits);
}

TEST_CASE("templates as deep as jinja2 takes them render", "[text][jinja]") {
  CHECK(rendered("{{ " + times(69, "(") + "1" + times(69, ")") + " }}") == "1");
  CHECK(rendered(times(98, "{% if 1 %}") + "x" + times(98, "{% endif %}")) == "x");
  CHECK(rendered(times(20, "{% for i in [1] %}") + "x" + times(20, "{% endfor %}")) == "x");
  CHECK(rendered("{{ 1" + times(490, " + 1") + " }}") == "491");
  CHECK(rendered("{{ 'a'" + times(197, "|trim") + " }}") == "a");
  CHECK(rendered("{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{% else %}end{% endif %}{% endmacro %}{{ f(190) }}") ==
        "end");
  const std::string deep = times(980, "[") + "1" + times(980, "]");
  CHECK(rendered("{{ v|string|length }}", "{\"v\": " + deep + "}") == "1961");
  CHECK(rendered("{{ v == v }}{{ v|tojson|length }}", "{\"v\": " + deep + "}") == "True1961");
}

TEST_CASE("things that hold each other are let go", "[text][jinja]") {
  // The address sanitizer's leak check is the judge.
  CHECK(rendered("{% set ns = namespace() %}{% set ns.me = ns %}{% set ns.l = [ns, {'a': ns}] %}ok") == "ok");
  CHECK(rendered("{% macro f() %}{{ f is callable }}{% endmacro %}{{ f() }}") == "True");
  CHECK(rendered("{% set ns = namespace() %}{% for i in [1, 2] %}{% set ns.a = loop %}{% set ns.m = loop.cycle %}{% "
                 "endfor %}{{ ns.a.index }}") == "2");
  CHECK(
      rendered(
          "{% macro f() %}{% macro g() %}{{ g is callable }}{% endmacro %}{{ g() }}{% endmacro %}{{ f() }}{{ f() }}") ==
      "TrueTrue");
  CHECK(rendered("{% set h = namespace(c=namespace()) %}{% for i in range(5000) %}{% set n = namespace() %}{% set c = "
                 "h.c %}{% set c.next = n %}{% set h.c = n %}{% endfor %}ok") == "ok");
}

TEST_CASE("strftime_now asks the clock that it is given", "[text][jinja]") {
  static constexpr std::int64_t moment = 951782399;  // 2000-02-28 23:59:59
  jinja::render_options options;
  options.clock.state = &moment;
  options.clock.seconds = [](const void* state) { return *static_cast<const std::int64_t*>(state); };
  const auto shown = [&](const char* format) {
    return jinja::compiled_template(std::string("{{ strftime_now('") + format + "') }}")
        .render(jinja::make_dict(), options);
  };
  CHECK(shown("%d %b %Y") == "28 Feb 2000");
  CHECK(shown("%A %B %-d %I:%M:%S %p %j %U %W %V %G %u %w %y %e %%") ==
        "Monday February 28 11:59:59 PM 059 09 09 09 2000 1 1 00 28 %");
  CHECK(refusal("{{ strftime_now('%Q') }}") == error_kind::runtime);
  CHECK(jinja::compiled_template("{{ strftime_now('%Y') }}").render(jinja::make_dict()).size() == 4);
}

TEST_CASE("JSON keeps the order of keys and the kind of numbers", "[text][jinja]") {
  CHECK(rendered("{{ v }}", R"({"v": {"b": 1, "a": 1.0, "b": [true, null, "x"], "n": -5}})") ==
        "{'b': [True, None, 'x'], 'a': 1.0, 'n': -5}");
  CHECK(rendered("{{ v }} {{ w }}", R"({"v": 123456789012345678901234567890, "w": 18446744073709551615})") ==
        "123456789012345678901234567890 18446744073709551615");
  CHECK_THROWS_AS(jinja::value_from_json("{", "text"), quipu::format_error);
  CHECK_THROWS_AS(jinja::value_from_json("\"\xff\"", "text"), quipu::format_error);
  CHECK_THROWS_AS(jinja::value_from_json(times(5000, "[") + times(5000, "]"), "text"), quipu::format_error);
  value deep = jinja::make_list({});
  CHECK_THROWS_AS(
      [&] {
        for (int i = 0; i < 2000; ++i) deep = jinja::make_list({deep});
      }(),
      quipu::config_error);
}

TEST_CASE("dicts of many keys find each of them", "[text][jinja]") {
  value dict = jinja::make_dict();
  for (int i = 0; i < 1000; ++i) jinja::set_key(dict, "k" + std::to_string(i), value(i));
  const value variables = jinja::make_dict({{"d", dict}});
  CHECK(jinja::compiled_template("{{ d.k999 + d['k0'] }}{{ d.k1000 is defined }}{{ d|length }}{{ 'k77' in d }}")
            .render(variables) == "999False1000True");
}

TEST_CASE("whole numbers go beyond 64 bits", "[text][jinja]") {
  CHECK(rendered("{{ 2 ** 200 }}") == "1606938044258990275541962092341162602522202993782792835301376");
  CHECK(rendered("{{ -(10 ** 25) // 7 }} {{ -(10 ** 25) % 7 }} {{ 10 ** 25 / 10 ** 24 }}") ==
        "-1428571428571428571428572 4 10.0");
  CHECK(rendered("{{ 10 ** 25 == 1e25 }} {{ 10 ** 22 == 1e22 }} {{ (2 ** 64)|tojson }}") ==
        "False True 18446744073709551616");
  CHECK(rendered("{{ (-9223372036854775807 - 1) // -1 }} {{ '%x' % (2 ** 70) }}") ==
        "9223372036854775808 400000000000000000");
}
