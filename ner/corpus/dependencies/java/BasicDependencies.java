import edu.stanford.nlp.ling.CoreAnnotation;
import edu.stanford.nlp.parser.lexparser.EnglishTreebankParserParams;
import edu.stanford.nlp.pipeline.Annotation;
import edu.stanford.nlp.pipeline.SentenceAnnotator;
import edu.stanford.nlp.semgraph.SemanticGraphCoreAnnotations.BasicDependenciesAnnotation;
import edu.stanford.nlp.semgraph.SemanticGraphFactory;
import edu.stanford.nlp.trees.GrammaticalStructure.Extras;
import edu.stanford.nlp.trees.GrammaticalStructureFactory;
import edu.stanford.nlp.trees.TreeCoreAnnotations.TreeAnnotation;
import edu.stanford.nlp.util.CoreMap;
import edu.stanford.nlp.util.Filters;
import java.util.Collections;
import java.util.Properties;
import java.util.Set;

/**
 * An annotator for CoreNLP's pipeline: the basic dependencies of English constituency trees, punctuation included.
 *
 * <p>CoreNLP's own parse annotator converts each tree five times, for basic, collapsed and three kinds of enhanced
 * graphs, which takes longer than parsing. With parse.buildgraphs=false it converts none, and this annotator one.
 * It takes the options parse.originalDependencies and parse.nthreads.
 *
 * <p>The class beside this file is tracked, since not everybody has a compiler. Whoever changes this file makes it with
 * {@code javac --release 8 -g:none -cp stanford-corenlp-4.5.10.jar BasicDependencies.java}.
 */
public class BasicDependencies extends SentenceAnnotator {
  private final GrammaticalStructureFactory factory;
  private final int threads;

  public BasicDependencies(String name, Properties options) {
    EnglishTreebankParserParams english = new EnglishTreebankParserParams();
    english.setGenerateOriginalDependencies(Boolean.parseBoolean(options.getProperty("parse.originalDependencies")));
    factory = english.treebankLanguagePack()
        .grammaticalStructureFactory(Filters.acceptFilter(), english.typedDependencyHeadFinder());
    threads = Integer.parseInt(options.getProperty("parse.nthreads", "1"));
  }

  @Override
  protected void doOneSentence(Annotation text, CoreMap sentence) {
    sentence.set(BasicDependenciesAnnotation.class, SemanticGraphFactory.generateUncollapsedDependencies(
        factory.newGrammaticalStructure(sentence.get(TreeAnnotation.class)), Extras.NONE));
  }

  @Override
  protected void doOneFailedSentence(Annotation text, CoreMap sentence) {} // it stays without dependencies

  @Override
  protected int nThreads() {
    return threads;
  }

  @Override
  protected long maxTime() {
    return 0; // no limit
  }

  @Override
  public Set<Class<? extends CoreAnnotation>> requires() {
    return Collections.singleton(TreeAnnotation.class);
  }

  @Override
  public Set<Class<? extends CoreAnnotation>> requirementsSatisfied() {
    return Collections.singleton(BasicDependenciesAnnotation.class);
  }
}
