//! SVG path data in as few characters as they take: relative steps, commands said once, and the short commands where they fit.

/// A place, in whole units.
pub type Place = (i32, i32);

/// A path as it is written, step by step.
#[derive(Debug, Default)]
pub struct Steps {
    /// The path data so far.
    pub written: String,
    at: Option<Place>,
    begin: Place,
    /// The command of the last step, which need not be said again.
    command: Option<char>,
    /// The control point of the last step, where it was a quadratic curve.
    control: Option<Place>,
    /// A line back to where the outline began, which need not be written if nothing comes after it.
    owed: Option<Place>,
}

/// How far a control point may be from where the last one's reflection puts it, in units of the path, to be left out.
const NEAR: i32 = 1;

impl Steps {
    /// Begins anew at the place, unless the path has come to it.
    pub fn from(&mut self, place: Place) -> &mut Steps {
        if self.at != Some(place) {
            self.close();
            self.say('M', &[place.0, place.1]);
            // What follows a move without a command would be a line.
            (self.at, self.begin, self.command) = (Some(place), place, None);
        }
        self
    }

    /// Closes the outline, if there is one.
    pub fn close(&mut self) {
        if self.at.take().is_some() {
            self.written.push('z');
            (self.command, self.control, self.owed) = (None, None, None);
        }
    }

    /// A line of an outline. The last one, back to where the outline began, is not written, since closing it draws that.
    pub fn edge(&mut self, to: Place) {
        if to != self.begin {
            self.line(to);
        } else if self.at != Some(to) {
            self.owed = Some(self.step(to));
            (self.at, self.control) = (Some(to), None);
        }
    }

    /// A line.
    pub fn line(&mut self, to: Place) {
        self.pay();
        self.write_line(self.step(to));
        (self.at, self.control) = (Some(to), None);
    }

    /// Writes the line that was left out, because something comes after it.
    fn pay(&mut self) {
        if let Some(step) = self.owed.take() {
            self.write_line(step);
        }
    }

    fn write_line(&mut self, (dx, dy): Place) {
        match (dx, dy) {
            (_, 0) => self.say('h', &[dx]),
            (0, _) => self.say('v', &[dy]),
            _ => self.say('l', &[dx, dy]),
        }
    }

    /// A quadratic curve. Where its control point is the last one's reflection, as where a font leaves out the point between two
    /// controls, it is left out too.
    pub fn quad(&mut self, control: Place, to: Place) {
        self.pay();
        let (dx, dy) = self.step(to);
        let (cx, cy) = self.step(control);
        let at = self.at.unwrap_or_default();
        let reflected = self.control.map(|c| (2 * at.0 - c.0, 2 * at.1 - c.1));
        let near = |r: &Place| (r.0 - control.0).abs() <= NEAR && (r.1 - control.1).abs() <= NEAR;
        self.control = match reflected.filter(near) {
            Some(reflected) => {
                self.say('t', &[dx, dy]);
                Some(reflected)
            }
            None => {
                self.say('q', &[cx, cy, dx, dy]);
                Some(control)
            }
        };
        self.at = Some(to);
    }

    /// A cubic curve.
    pub fn cubic(&mut self, first: Place, second: Place, to: Place) {
        self.pay();
        let steps = [first, second, to].map(|p| self.step(p));
        self.say('c', &steps.map(|(x, y)| [x, y]).concat());
        (self.at, self.control) = (Some(to), None);
    }

    fn step(&self, to: Place) -> Place {
        let at = self.at.unwrap_or_default();
        (to.0 - at.0, to.1 - at.1)
    }

    /// A minus parts two numbers as well as a space does.
    fn say(&mut self, command: char, numbers: &[i32]) {
        let mut part = self.command == Some(command);
        if !part {
            self.written.push(command);
        }
        for number in numbers {
            if part && *number >= 0 {
                self.written.push(' ');
            }
            self.written.push_str(&number.to_string());
            part = true;
        }
        self.command = Some(command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_said_once_and_numbers_parted_once() {
        let mut path = Steps::default();
        path.from((10, 10)).line((12, 7));
        path.line((15, 9));
        path.line((15, 4));
        path.edge((10, 10));
        path.close();
        assert_eq!(path.written, "M10 10l2-3 3 2v-5z");
        path.from((0, 0)).line((3, 0));
        path.from((3, 0)).line((5, 0));
        path.close();
        assert_eq!(path.written, "M10 10l2-3 3 2v-5zM0 0h3 2z");
    }

    #[test]
    fn a_control_that_is_the_last_one_s_reflection_is_left_out() {
        let mut path = Steps::default();
        path.from((0, 0)).quad((0, 10), (5, 15));
        // The reflection is (10, 20).
        path.quad((10, 21), (20, 20));
        path.quad((90, 90), (30, 30));
        path.close();
        assert_eq!(path.written, "M0 0q0 10 5 15t15 5q70 70 10 10z");
    }

    #[test]
    fn a_line_back_to_the_beginning_is_written_where_something_comes_after_it() {
        let mut path = Steps::default();
        path.from((0, 0)).edge((4, 0));
        path.edge((4, 4));
        path.edge((0, 0));
        path.edge((0, 0));
        path.edge((0, 5));
        path.close();
        assert_eq!(path.written, "M0 0h4v4l-4-4v5z");
    }

    #[test]
    fn errors_of_reflections_do_not_add_up() {
        let mut path = Steps::default();
        let up = |i: i32| if i % 2 == 0 { 10 + i } else { -10 - i };
        path.from((0, 0)).quad((5, up(0)), (10, 0));
        // Each control is a unit away from the true reflection of the one before it, so every other is too far from what is drawn.
        for i in 1..9 {
            path.quad((10 * i + 5, up(i)), (10 * i + 10, 0));
        }
        assert_eq!(path.written.matches('q').count(), 5, "{}", path.written);
        assert_eq!(path.written.matches('t').count(), 4, "{}", path.written);
    }
}
