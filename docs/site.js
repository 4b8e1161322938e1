// What scrolls sideways can be reached by keyboard; the theme wraps tables when a page is there.
const wide = ".md-typeset__scrollwrap, .md-typeset pre > code";
const reach = () => document.querySelectorAll(wide).forEach((box) => (box.tabIndex = 0));
new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
reach();
