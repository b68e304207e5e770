//! Looking at the heap as it stands.

use std::ops::Range;
use std::rc::Rc;

use super::View;
use crate::glance::Glance;
use crate::replay::Part;

impl View {
    /// What the heap's bytes are used for as it stands.
    pub fn glance(&self) -> Rc<Glance> {
        self.look(&mut |_| {})
    }

    /// The same, or as it was at the last look: while a large heap plays there is no time to see all of it in each frame.
    pub fn last_glance(&self) -> Rc<Glance> {
        let known = self.last_glance.borrow().clone();
        known.unwrap_or_else(|| self.glance())
    }

    fn look(&self, visit: &mut impl FnMut(&Part)) -> Rc<Glance> {
        let known = self.glance.borrow().clone();
        known.unwrap_or_else(|| {
            let glance = Rc::new(Glance::of(&self.replay, visit));
            *self.glance.borrow_mut() = Some(Rc::clone(&glance));
            *self.last_glance.borrow_mut() = Some(Rc::clone(&glance));
            glance
        })
    }

    /// Shows every part that touches these positions, and perhaps others: a first look at this state sees every part anyway,
    /// unless it is a `quick` one.
    pub fn walk(&self, positions: Range<u64>, quick: bool, visit: &mut impl FnMut(&Part)) {
        if !quick && self.glance.borrow().is_none() {
            self.look(visit);
        } else {
            (self.replay).walk_within(positions.start, positions.end, &mut |part| visit(&part));
        }
    }
}
