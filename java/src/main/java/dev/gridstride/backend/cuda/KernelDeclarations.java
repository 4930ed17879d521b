package dev.gridstride.backend.cuda;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Finds the kernels that a source declares and what their parameters are. Reads declarations, not
 * the language: a kernel whose name or parameters come out of a macro or a template is not found,
 * and the sizes that the driver tells have to do.
 */
final class KernelDeclarations {
  private static final Pattern TOKEN =
      Pattern.compile("[A-Za-z_][A-Za-z_0-9]*|::|[0-9][A-Za-z_0-9.']*|\"[^\"]*\"|[^\\s]");
  private static final Pattern COMMENT_OR_STRING =
      Pattern.compile(
          "//(?:\\\\\\r?\\n|[^\\n])*" // to the end of the line, which may go on
              + "|/\\*.*?\\*/"
              + "|\"(?:\\\\.|[^\"\\\\\\n])*\""
              + "|'(?:\\\\.|[^'\\\\\\n])+'",
          Pattern.DOTALL);
  private static final Pattern DIRECTIVE = Pattern.compile("(?m)^[ \\t]*#(?:\\\\\\r?\\n|[^\\n])*");

  private static final Set<String> QUALIFIERS =
      Set.of(
          "const",
          "volatile",
          "__restrict__",
          "__restrict",
          "restrict",
          "__grid_constant__",
          "struct",
          "enum",
          "signed",
          "register");

  private static final Map<String, KernelParameter> TYPES = types();

  /** Words of which a type can consist beside its name. */
  private static final Set<String> TYPE_WORDS =
      Set.of("unsigned", "long", "short", "int", "char", "double", "float", "bool");

  private final List<String> tokens = new ArrayList<>();
  private final Map<String, KernelParameter> aliases = new HashMap<>();
  private final Map<String, List<KernelParameter>> kernels = new LinkedHashMap<>();
  private final Set<String> mangled = new HashSet<>();

  private KernelDeclarations(String source) {
    String bare =
        COMMENT_OR_STRING
            .matcher(source)
            .replaceAll(m -> m.group().equals("\"C\"") ? "\"C\"" : " ");
    Matcher matcher = TOKEN.matcher(DIRECTIVE.matcher(bare).replaceAll(" "));
    while (matcher.find()) {
      tokens.add(matcher.group());
    }
  }

  static KernelDeclarations parse(String source) {
    KernelDeclarations declarations = new KernelDeclarations(source);
    declarations.scan();
    return declarations;
  }

  /** What is known of an image without a source. */
  static KernelDeclarations unknown() {
    return new KernelDeclarations("");
  }

  /** Parameters by the kernel's name, in the order of the source. */
  Map<String, List<KernelParameter>> kernels() {
    return kernels;
  }

  /** Kernels declared without {@code extern "C"}, which the driver knows by other names. */
  Set<String> mangled() {
    return mangled;
  }

  private void scan() {
    boolean template = false;
    boolean linkage = false;
    // For each open brace, whether all in it has C linkage.
    Deque<Boolean> braces = new ArrayDeque<>();
    for (int i = 0; i < tokens.size(); i++) {
      switch (tokens.get(i)) {
        case "typedef" -> alias(i + 1, true);
        case "using" -> alias(i + 1, false);
        case "template" -> template = true;
        case "\"C\"" -> linkage = true;
        case "{" -> {
          boolean block = i > 0 && tokens.get(i - 1).equals("\"C\"");
          braces.push(block || Boolean.TRUE.equals(braces.peek()));
          linkage = false;
        }
        case ";" -> {
          template = false;
          linkage = false;
        }
        case "}" -> {
          template = false;
          linkage = false;
          braces.poll();
        }
        case "__global__" -> {
          if (!template) {
            kernel(i + 1, linkage || Boolean.TRUE.equals(braces.peek()));
          }
        }
        default -> {
          // Nothing that a kernel's declaration begins with.
        }
      }
    }
  }

  /** {@code typedef unsigned int u32;} or {@code using u32 = unsigned int;}. */
  private void alias(int from, boolean nameLast) {
    int end = from;
    while (end < tokens.size() && !tokens.get(end).equals(";") && !tokens.get(end).equals("{")) {
      end++;
    }
    List<String> words = tokens.subList(from, end);
    if (nameLast && words.size() >= 2) {
      define(words.get(words.size() - 1), words.subList(0, words.size() - 1));
    } else if (!nameLast && words.size() >= 3 && words.get(1).equals("=")) {
      define(words.get(0), words.subList(2, words.size()));
    }
  }

  private void define(String name, List<String> type) {
    KernelParameter known = parameter(type);
    if (known.bytes() > 0 && known.name().isEmpty()) {
      aliases.put(name, known);
    }
  }

  private void kernel(int from, boolean named) {
    int i = from;
    String name = null;
    while (i < tokens.size()) {
      String token = tokens.get(i);
      if (token.equals("(")) {
        int close = closing(i);
        if (name == null || close < 0) {
          return;
        }
        if (name.startsWith("__") && name.endsWith("__")) {
          i = close; // __launch_bounds__(256) and the like
        } else {
          if (named) {
            kernels.put(name, parameters(tokens.subList(i + 1, close)));
          } else {
            mangled.add(name);
          }
          return;
        }
      } else if (!token.matches("[A-Za-z_].*")) {
        return;
      }
      name = token;
      i++;
    }
  }

  private int closing(int open) {
    int depth = 0;
    for (int i = open; i < tokens.size(); i++) {
      if (tokens.get(i).equals("(")) {
        depth++;
      } else if (tokens.get(i).equals(")") && --depth == 0) {
        return i;
      }
    }
    return -1;
  }

  private List<KernelParameter> parameters(List<String> list) {
    List<KernelParameter> parameters = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= list.size(); i++) {
      String token = i < list.size() ? list.get(i) : ",";
      if ("(<[{".contains(token)) {
        depth++;
      } else if (")>]}".contains(token)) {
        depth--;
      } else if (token.equals(",") && depth == 0) {
        List<String> words = list.subList(start, i);
        if (!words.isEmpty() && !words.equals(List.of("void"))) {
          parameters.add(parameter(words));
        }
        start = i + 1;
      }
    }
    return List.copyOf(parameters);
  }

  private KernelParameter parameter(List<String> declared) {
    List<String> words = declared.stream().filter(word -> !QUALIFIERS.contains(word)).toList();
    if (words.contains("*") || words.contains("[") || words.contains("&")) {
      return pointer(words);
    }
    int last = words.size() - 1;
    boolean named =
        last > 0 && !TYPE_WORDS.contains(words.get(last)) && !words.get(last - 1).equals("::");
    String type = String.join(" ", named ? words.subList(0, last) : words).replace(" :: ", "::");
    String name = named ? words.get(last) : "";
    KernelParameter known = aliases.getOrDefault(type, TYPES.get(type.replace("std::", "")));
    if (known == null) {
      return new KernelParameter(name, type, KernelParameter.Kind.STRUCTURE, 0, 0);
    }
    return new KernelParameter(name, type, known.kind(), known.bytes(), known.alignment());
  }

  /** {@code float * x}, {@code float * * x}, {@code float x [ ]}, {@code float *}. */
  private static KernelParameter pointer(List<String> words) {
    int end = words.contains("[") ? words.indexOf("[") : words.size();
    List<String> declared = words.subList(0, end);
    long stars = declared.stream().filter(word -> word.equals("*") || word.equals("&")).count();
    String last = end == 0 ? "" : declared.get(end - 1);
    boolean named = end > 1 && last.matches("[A-Za-z_].*") && !TYPE_WORDS.contains(last);
    String type =
        declared.subList(0, named ? end - 1 : end).stream()
            .filter(word -> !word.equals("*") && !word.equals("&"))
            .collect(Collectors.joining(" "));
    return KernelParameter.scalar(
        named ? last : "",
        type + "*".repeat((int) Math.max(1, stars)),
        KernelParameter.Kind.POINTER,
        Long.BYTES);
  }

  private static Map<String, KernelParameter> types() {
    Map<String, KernelParameter> types = new HashMap<>();
    scalars(types, KernelParameter.Kind.BOOLEAN, 1, "bool");
    scalars(
        types, KernelParameter.Kind.INTEGER, 1, "char", "unsigned char", "int8_t", "uint8_t", "u8");
    scalars(
        types,
        KernelParameter.Kind.INTEGER,
        2,
        "short",
        "short int",
        "unsigned short",
        "unsigned short int",
        "int16_t",
        "uint16_t",
        "u16",
        "bf16");
    scalars(
        types,
        KernelParameter.Kind.INTEGER,
        4,
        "int",
        "unsigned",
        "unsigned int",
        "int32_t",
        "uint32_t",
        "u32");
    scalars(
        types,
        KernelParameter.Kind.INTEGER,
        8,
        "long",
        "long int",
        "long long",
        "long long int",
        "unsigned long",
        "unsigned long int",
        "unsigned long long",
        "unsigned long long int",
        "int64_t",
        "uint64_t",
        "size_t",
        "ptrdiff_t",
        "u64",
        "i64");
    scalars(types, KernelParameter.Kind.FLOATING, 2, "half", "__half", "__nv_bfloat16");
    scalars(types, KernelParameter.Kind.FLOATING, 4, "float");
    scalars(types, KernelParameter.Kind.FLOATING, 8, "double");
    vectors(types, 1, "char", "uchar");
    vectors(types, 2, "short", "ushort");
    vectors(types, 4, "int", "uint", "float");
    vectors(types, 8, "long", "ulong", "longlong", "ulonglong", "double");
    return types;
  }

  private static void scalars(
      Map<String, KernelParameter> types, KernelParameter.Kind kind, int bytes, String... names) {
    for (String name : names) {
      types.put(name, KernelParameter.scalar("", name, kind, bytes));
    }
  }

  /** CUDA's vector types: three elements are aligned as one, others to their size, at most 16. */
  private static void vectors(Map<String, KernelParameter> types, int bytes, String... names) {
    for (String name : names) {
      for (int n = 1; n <= 4; n++) {
        int alignment = n == 3 ? bytes : Math.min(16, n * bytes);
        types.put(
            name + n,
            new KernelParameter(
                "", name + n, KernelParameter.Kind.STRUCTURE, n * bytes, alignment));
      }
    }
  }
}
