// The button that adds files to those that are chosen: gradio puts one button into another, which
// screen readers cannot tell, and gives the outer one the name of a translation that is not there.
(() => {
  const NAME = "Add files";
  const mend = () => {
    for (const inner of document.querySelectorAll("button.icon-button button.upload-container")) {
      const outer = inner.closest(".icon-button");
      if (outer.title === NAME) continue;
      outer.title = outer.ariaLabel = NAME;
      outer.role = "group";
      outer.tabIndex = -1; // the inner one takes the keyboard
    }
  };
  const watch = () => {
    new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
  };
  if (document.body) watch(); // gradio adds scripts to the head of a page that is there
  else addEventListener("DOMContentLoaded", watch);
})();
