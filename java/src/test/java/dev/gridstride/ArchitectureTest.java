package dev.gridstride;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/**
 * The one-way dependencies: cli to train, to nn, optim, data and metrics, to program; backends
 * implement the backend package and are named by nothing but themselves. Rules about packages that
 * do not exist yet hold of themselves.
 */
@AnalyzeClasses(packages = "dev.gridstride", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String ROOT = "dev.gridstride.";
  private static final String JAVA = "java..";
  private static final String PROGRAM = ROOT + "program..";
  private static final String BACKEND = ROOT + "backend";
  private static final String CONFORMANCE = ROOT + "conformance..";

  @ArchTest
  static final ArchRule programDependsOnNothing =
      classes()
          .that()
          .resideInAPackage(PROGRAM)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(PROGRAM, JAVA);

  @ArchTest
  static final ArchRule backendInterfaceDependsOnProgram =
      classes()
          .that()
          .resideInAPackage(BACKEND)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(BACKEND, PROGRAM, JAVA);

  @ArchTest
  static final ArchRule referenceSharesNothing =
      classes()
          .that()
          .resideInAPackage(BACKEND + ".reference..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(BACKEND + ".reference..", BACKEND, PROGRAM, JAVA);

  @ArchTest static final ArchRule referenceIsNotNamed = namedByItselfOnly("reference");
  @ArchTest static final ArchRule cpuIsNotNamed = namedByItselfOnly("cpu");
  @ArchTest static final ArchRule cudaIsNotNamed = namedByItselfOnly("cuda");

  @ArchTest static final ArchRule onlyCpuNamesOneDnn = onlyNamedBy("cpu", "org.bytedeco..");

  /** What turns programs into launches, below backend.cuda, works on any launch layer. */
  @ArchTest
  static final ArchRule onlyTheLaunchLayerNamesJCuda =
      noClasses()
          .that()
          .resideOutsideOfPackages(BACKEND + ".cuda", BACKEND + ".cuda.vendor")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("jcuda..");

  @ArchTest
  static final ArchRule theLaunchLayerDoesNotKnowPrograms =
      noClasses()
          .that()
          .resideInAnyPackage(BACKEND + ".cuda", BACKEND + ".cuda.vendor")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(PROGRAM, BACKEND + ".cuda.program..");

  /** So the suite judges programs and devices alone, and no layer or loop can hide from it. */
  @ArchTest
  static final ArchRule conformanceKnowsProgramsAndDevicesOnly =
      classes()
          .that()
          .resideInAPackage(CONFORMANCE)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(CONFORMANCE, BACKEND, PROGRAM, JAVA);

  @ArchTest
  static final ArchRule onlyTheCommandLineAndTheBenchmarkUseConformance =
      noClasses()
          .that()
          .resideOutsideOfPackages(CONFORMANCE, ROOT + "benchmark..", ROOT + "cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(CONFORMANCE);

  /** So a kernel is measured alone, as a program of one node. */
  @ArchTest
  static final ArchRule benchmarkKnowsProgramsAndDevicesOnly =
      classes()
          .that()
          .resideInAPackage(ROOT + "benchmark..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              ROOT + "benchmark..", CONFORMANCE, BACKEND, PROGRAM, JAVA, "com.fasterxml..");

  @ArchTest
  static final ArchRule modelsDoNotKnowTraining =
      noClasses()
          .that()
          .resideInAnyPackage(
              ROOT + "nn..", ROOT + "optim..", ROOT + "data..", ROOT + "metrics..", BACKEND + "..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + "train..", ROOT + "cli..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule modelsDoNotKnowDevices =
      noClasses()
          .that()
          .resideInAnyPackage(ROOT + "nn..", ROOT + "optim..", ROOT + "data..", ROOT + "metrics..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(BACKEND + "..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule trainingDoesNotKnowTheCommandLine =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "train..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + "cli..", "picocli..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule noCycles =
      slices().matching("dev.gridstride.(*)..").should().beFreeOfCycles();

  private static ArchRule namedByItselfOnly(String backend) {
    return onlyNamedBy(backend, BACKEND + "." + backend + "..");
  }

  private static ArchRule onlyNamedBy(String backend, String packages) {
    return noClasses()
        .that()
        .resideOutsideOfPackage(BACKEND + "." + backend + "..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(packages);
  }
}
