// What a careful eye finds wrong with a page as it stands: a list of sentences, empty when all is well.
() => {
  const troubles = [];
  const name = (node) => `<${node.tagName.toLowerCase()}> “${node.textContent.trim().slice(0, 40)}”`;
  const clipped = (node) => node && (getComputedStyle(node).clipPath !== "none" || clipped(node.parentElement));
  const seen = (node) => {
    const { width, height, right } = node.getBoundingClientRect();
    return node.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1 && right > 0 && !clipped(node);
  };

  // WCAG 1.4.10: the page never scrolls sideways.
  const beyond = document.documentElement.scrollWidth - innerWidth;
  if (beyond > 0) troubles.push(`the page is ${beyond}px wider than the window`);

  // 1.4.4, 1.4.12: no text is cut without a sign, and no control's text at all; a list in a form is no control.
  for (const node of document.body.querySelectorAll("*")) {
    const { overflowX, textOverflow, webkitLineClamp } = getComputedStyle(node);
    if (!["hidden", "clip"].includes(overflowX) || node instanceof SVGElement || !node.textContent.trim() || !seen(node)) continue;
    const cut = node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1;
    const signed = textOverflow === "ellipsis" || webkitLineClamp !== "none";
    if (cut && (!signed || node.closest("form:not(.selection-form), button"))) troubles.push(`the text of ${name(node)} is cut`);
  }

  // 2.5.8: a target is 24 pixels wide and high, or lies in a sentence, or has so much room around it.
  const all = [...document.querySelectorAll("a[href], button, input, select, summary, label")].filter(
    (node) => seen(node) && !(node.matches("input") && node.closest("label")) && !(node.matches("label") && !node.querySelector("input")),
  );
  const small = (box) => box.width < 24 || box.height < 24;
  const inSentence = (node) =>
    getComputedStyle(node).display === "inline" &&
    [...node.parentNode.childNodes].some((other) => other.nodeType === Node.TEXT_NODE && other.data.trim().length > 1);
  const boxes = all.map((node) => [node, node.getBoundingClientRect()]);
  for (const [node, box] of boxes) {
    if (!small(box) || inSentence(node)) continue;
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    const crowded = boxes.some(([other, near]) => {
      if (other === node || other.contains(node) || node.contains(other)) return false;
      const sideways = Math.max(near.left - x, 0, x - near.right), upright = Math.max(near.top - y, 0, y - near.bottom);
      const apart = small(near) ? Math.hypot(near.x + near.width / 2 - x, near.y + near.height / 2 - y) - 12 : Infinity;
      return Math.min(Math.hypot(sideways, upright), apart) < 12;
    });
    if (crowded) troubles.push(`${name(node)} is ${Math.round(box.width)} × ${Math.round(box.height)}px, with neighbours close by`);
  }

  return troubles;
};
