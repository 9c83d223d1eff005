// Layout problems of the current page: a list of sentences, empty if there are none.
() => {
  const problems = [];
  const name = (node) => `<${node.tagName.toLowerCase()}> “${node.textContent.trim().slice(0, 40)}”`;
  const isClipped = (node) => node && (getComputedStyle(node).clipPath !== "none" || isClipped(node.parentElement));
  const isVisible = (node) => {
    const { width, height, right } = node.getBoundingClientRect();
    return node.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1 && right > 0 && !isClipped(node);
  };

  // WCAG 1.4.10: the page does not scroll horizontally.
  const overflow = document.documentElement.scrollWidth - innerWidth;
  if (overflow > 0) problems.push(`the page is ${overflow}px wider than the window`);

  // 1.4.4, 1.4.12: text is not cut off without an ellipsis, and that of controls never; a list in a form is no control.
  for (const node of document.body.querySelectorAll("*")) {
    const { overflowX, textOverflow, webkitLineClamp } = getComputedStyle(node);
    if (!["hidden", "clip"].includes(overflowX) || node instanceof SVGElement || !node.textContent.trim() || !isVisible(node)) continue;
    const isCut = node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1;
    const hasEllipsis = textOverflow === "ellipsis" || webkitLineClamp !== "none";
    if (isCut && (!hasEllipsis || node.closest("form:not(.selection-form), button"))) problems.push(`the text of ${name(node)} is cut off`);
  }

  // 2.5.8: a target is 24 pixels wide and high, or part of a sentence, or has that much space around it.
  const all = [...document.querySelectorAll("a[href], button, input, select, summary, label")].filter(
    (node) => isVisible(node) && !(node.matches("input") && node.closest("label")) && !(node.matches("label") && !node.querySelector("input")),
  );
  const isSmall = (box) => box.width < 24 || box.height < 24;
  const inSentence = (node) =>
    getComputedStyle(node).display === "inline" &&
    [...node.parentNode.childNodes].some((other) => other.nodeType === Node.TEXT_NODE && other.data.trim().length > 1);
  const boxes = all.map((node) => [node, node.getBoundingClientRect()]);
  for (const [node, box] of boxes) {
    if (!isSmall(box) || inSentence(node)) continue;
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    const isCrowded = boxes.some(([other, near]) => {
      if (other === node || other.contains(node) || node.contains(other)) return false;
      const horizontal = Math.max(near.left - x, 0, x - near.right), vertical = Math.max(near.top - y, 0, y - near.bottom);
      const distance = isSmall(near) ? Math.hypot(near.x + near.width / 2 - x, near.y + near.height / 2 - y) - 12 : Infinity;
      return Math.min(Math.hypot(horizontal, vertical), distance) < 12;
    });
    if (isCrowded) problems.push(`${name(node)} is ${Math.round(box.width)} × ${Math.round(box.height)}px, too close to other targets`);
  }

  return problems;
};
