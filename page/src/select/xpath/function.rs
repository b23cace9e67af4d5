//! The names of XPath functions and their numbers of arguments.

use std::ops::RangeInclusive;

macro_rules! functions {
    ($($function:ident = $name:literal, $min:literal..=$max:expr;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        /// An XPath 1.0 function.
        pub(super) enum Function {
            $($function,)*
        }

        impl Function {
            /// The function with this name and the number of arguments that it accepts.
            pub(super) fn by_name(name: &str) -> Option<(Self, RangeInclusive<usize>)> {
                match name {
                    $($name => Some((Self::$function, $min..=$max)),)*
                    _ => None,
                }
            }
        }
    };
}

functions! {
    Last = "last", 0..=0;
    Position = "position", 0..=0;
    Count = "count", 1..=1;
    LocalName = "local-name", 0..=1;
    Name = "name", 0..=1;
    String = "string", 0..=1;
    Concat = "concat", 2..=usize::MAX;
    StartsWith = "starts-with", 2..=2;
    Contains = "contains", 2..=2;
    SubstringBefore = "substring-before", 2..=2;
    SubstringAfter = "substring-after", 2..=2;
    Substring = "substring", 2..=3;
    StringLength = "string-length", 0..=1;
    NormalizeSpace = "normalize-space", 0..=1;
    Translate = "translate", 3..=3;
    Boolean = "boolean", 1..=1;
    Not = "not", 1..=1;
    True = "true", 0..=0;
    False = "false", 0..=0;
    Number = "number", 0..=1;
    Sum = "sum", 1..=1;
    Floor = "floor", 1..=1;
    Ceiling = "ceiling", 1..=1;
    Round = "round", 1..=1;
}
